import { copy, fill } from './copy.ts'
import { Layout } from './layout.tsx'
import { safeHref } from './safe.ts'

type SignedOutProps = {
  /** Where the button leads, app schemes included. */
  continueHref?: string
  /** Its host, if it is not ours. */
  continueHost?: string
}

/** Confirms the end of a session. */
export function SignedOutPage({ continueHref, continueHost }: SignedOutProps) {
  const text = copy.signedOut
  const href = safeHref(continueHref, 'app')
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      {href && (
        <a class="button primary" href={href}>
          {continueHost ? fill(text.continueTo, { host: continueHost }).join('') : text.continue}
        </a>
      )}
    </Layout>
  )
}
