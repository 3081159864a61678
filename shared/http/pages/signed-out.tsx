import { copy, fill } from './copy.ts'
import { Layout } from './layout.tsx'
import { displayName, safeHref } from './safe.ts'

/** Confirms the end of a session; `continueHref` leads back to the application, custom schemes included. */
export function SignedOutPage({ continueHref, clientName }: { continueHref?: string; clientName?: string }) {
  const text = copy.signedOut
  const href = safeHref(continueHref, 'app')
  const client = clientName && displayName(clientName, copy.unnamedClient)
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      {href && (
        <a class="button primary" href={href}>
          {client ? fill(text.continueFor, { client }).join('') : text.continue}
        </a>
      )}
    </Layout>
  )
}
