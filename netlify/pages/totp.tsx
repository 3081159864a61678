import { Buttons, CodeField, errorAt, type FormError, FormProblem } from './form-parts.tsx'
import { Fact, Hidden, Layout } from './layout.tsx'
import { words } from './proof-words.ts'

type EnrolTotpProps = {
  action: string
  csrf: string
  error?: FormError
  backHref: string
  returnTo?: string
  /** The encrypted enrolment. */
  enrolment: string
  /** What an authenticator app reads. */
  uri: string
  /** The same as an SVG QR code. */
  picture: string
  /** In base32. */
  secret: string
  email: string
}

/** Shows a new secret as QR code and text, and asks for a code. */
export function EnrolTotpPage(props: EnrolTotpProps) {
  const { action, csrf, enrolment, returnTo, error, backHref, uri, picture, secret, email } = props
  const text = words.enrolment
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <img
        class="qr"
        src={`data:image/svg+xml;base64,${Buffer.from(picture).toString('base64')}`}
        alt={text.picture}
        width="240"
        height="240"
      />
      <p>
        <a href={uri}>{text.open}</a>
      </p>
      <details>
        <summary>{text.byHand}</summary>
        <dl>
          <Fact term={text.secret}>
            <span class="mono">{secret.replace(/.{4}(?!$)/g, '$& ')}</span>
          </Fact>
          <Fact term={text.account}>
            <bdi>{email}</bdi>
          </Fact>
          <Fact term={text.kind}>{text.kindValue}</Fact>
        </dl>
      </details>
      <FormProblem error={error} fields={['code']} />
      <form method="post" action={action} class="below">
        <Hidden fields={{ csrf, enrolment, return_to: returnTo }} />
        <CodeField label={words.code} error={errorAt(error, 'code')} />
        <Buttons submit={text.submit} cancel={words.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}
