import { copy, fill } from './copy.ts'
import { CodeField, Form, type FormError, Submit } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
import { PasskeySupport } from './passkey.tsx'
import { displayName, safeHref } from './safe.ts'
import { Wait } from './wait.tsx'

type CodeProps = {
  /** Where the form posts `csrf`, the `hidden` fields and `code`; the code may come with spaces or hyphens between its digits. */
  action: string
  /** Where the form for a new code posts `csrf` and the `hidden` fields. */
  resendAction: string
  startOverHref: string
  /** For people who cannot receive mail. */
  withoutMailHref?: string
  csrf: string
  /** State to restart the sign-in from, if it is lost. */
  hidden?: Record<string, string | undefined>
  /** The address or number as entered. */
  address: string
  channel?: 'email' | 'sms'
  /** Lifetime of the code. */
  minutes: number
  /** Seconds until a new code can be requested. */
  wait?: number
  error?: FormError
  notice?: string
  /** Whether a passkey may be offered after the sign-in. */
  offersPasskeys?: boolean
  clientName?: string
  /** Named instead of an application that LanOnasis has not verified. */
  clientHost?: string
  /** The host of this page, so that people can recognize phishing; taken from an absolute `action`. */
  host?: string
}

/** Asks for the 6-digit code that was sent to `address`. */
export function CodePage(props: CodeProps) {
  const text = copy.code
  const sms = props.channel === 'sms'
  const title = sms ? text.titleSms : text.title
  const host = props.host ?? (URL.canParse(props.action) ? new URL(props.action).host : undefined)
  const client = props.clientName && (props.clientHost ?? displayName(props.clientName, copy.unnamedClient))
  const { csrf, hidden, error } = props
  return (
    <Layout
      form
      title={title}
      lead={<Sentence text={text.lead} address={<Name>{props.address}</Name>} minutes={lifetime(props.minutes)} />}
      notice={props.notice}
      failed={Boolean(error)}
    >
      <Form main action={props.action} csrf={csrf} hidden={hidden} error={error} fields={['code']}>
        {props.offersPasskeys && <PasskeySupport />}
        <CodeField label={text.label} error={error} describedBy="guard" />
        <Submit text={client ? fill(text.submitFor, { client }).join('') : text.submit} />
        <p class="note" id="guard">
          {host ? <Sentence text={text.guard} host={<Name>{host}</Name>} /> : text.guardHere}
        </p>
      </Form>
      <div class="aside">
        <p>{sms ? text.missingSms : text.missing}</p>
        {props.wait !== undefined && props.wait > 0 && (
          <p class="note">
            <Wait seconds={props.wait} text={text.wait} />
          </p>
        )}
        <div class="row">
          <Form action={props.resendAction} csrf={csrf} hidden={hidden}>
            <button class="link" type="submit" data-held>
              {text.resend}
            </button>
          </Form>
          <a href={safeHref(props.startOverHref)}>{text.startOver}</a>
          {props.withoutMailHref && <a href={safeHref(props.withoutMailHref)}>{text.withoutMail}</a>}
        </div>
      </div>
    </Layout>
  )
}

function lifetime(minutes: number): string {
  return minutes === 1 ? copy.code.minute : fill(copy.code.minutes, { count: String(minutes) }).join('')
}
