import { copy } from './copy.ts'
import { Buttons, CodeField, Form, type FormError } from './form-parts.tsx'
import { Fact, Layout } from './layout.tsx'

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
  /** More hidden fields. */
  hidden?: Record<string, string | undefined>
  /** A sentence before the lead. */
  because?: string
  /** In base32. */
  secret: string
  email: string
}

/** Shows a new secret as QR code and text, and asks for a code. */
export function EnrolTotpPage(props: EnrolTotpProps) {
  const {
    action,
    csrf,
    enrolment,
    returnTo,
    error,
    backHref,
    uri,
    picture,
    secret,
    email,
    hidden,
    because = '',
  } = props
  const text = copy.factors.enrolment
  return (
    <Layout title={text.title} form lead={`${because}${text.lead}`} failed={Boolean(error)}>
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
          <Fact term={text.secret} mono>
            {secret.replace(/.{4}(?!$)/g, '$& ')}
          </Fact>
          <Fact term={text.account}>
            <bdi>{email}</bdi>
          </Fact>
          <Fact term={text.kind}>{text.kindValue}</Fact>
        </dl>
      </details>
      <Form
        main
        action={action}
        csrf={csrf}
        hidden={{ enrolment, return_to: returnTo, ...hidden }}
        error={error}
        fields={['code']}
        class="below"
      >
        <CodeField label={copy.factors.code} error={error} />
        <Buttons submit={text.submit} backHref={backHref} />
      </Form>
    </Layout>
  )
}
