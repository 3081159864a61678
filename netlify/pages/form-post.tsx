import { raw } from 'hono/html'
import { copy, fill } from './copy.ts'
import { Hidden, Layout } from './layout.tsx'

type FormPostProps = {
  /** The redirect URI that the form posts to, and the host there. */
  action: string
  host: string
  fields: Record<string, string>
  /** Nonce of the script that submits the form; without JavaScript the person does. */
  nonce: string
}

/** Posts an authorization response to the application (OAuth 2.0 Form Post Response Mode section 4). */
export function FormPostPage({ action, host, fields, nonce }: FormPostProps) {
  const text = copy.formPost
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <form method="post" action={action}>
        <Hidden fields={fields} />
        <button class="button primary" type="submit">
          {fill(text.submit, { host }).join('')}
        </button>
      </form>
      <script nonce={nonce}>{raw('document.forms[0].submit()')}</script>
    </Layout>
  )
}
