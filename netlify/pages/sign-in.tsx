import { copy, fill } from './copy.ts'
import { Support } from './error-page.tsx'
import { ButtonLink, EmailField, Form, type FormError, PhoneField, Submit } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
import { PasskeyForm } from './passkey.tsx'
import { displayName } from './safe.ts'

type SignInProps = {
  /** Where the form posts `csrf`, `return_to` and `email` or `phone`. */
  action: string
  csrf: string
  /** The requesting application and its host. */
  clientName?: string
  clientHost?: string
  email?: string
  /** The initial mobile number; if set, the page asks for a number. */
  phone?: string
  /** The page for the other channel, if there is one. */
  switchHref?: string
  error?: FormError
  returnTo?: string
  notice?: string
  /** Other ways to sign in. */
  providers?: { name: string; href: string }[]
  /** Where a passkey is presented, and the options to ask for it; absent where passkeys are off. */
  passkey?: { action: string; options: object }
  /** The page for passwords, if enabled. */
  passwordHref?: string
  /** For people who cannot receive mail. */
  withoutMailHref?: string
  /** The provider whose account is linked by this sign-in. */
  linking?: string
  /** Support contact, after a rejected sign-in. */
  supportHref?: string
}

/** Asks for an e-mail address or a mobile number to send a code to. The page is the same with and without an account. */
export function SignInPage(props: SignInProps) {
  const {
    action,
    csrf,
    clientName,
    email,
    phone,
    switchHref,
    error,
    linking,
    passkey,
    passwordHref,
    providers = [],
  } = props
  const text = copy.signIn
  const byPhone = phone !== undefined
  const [lead, leadFor] = byPhone ? [text.leadPhone, text.leadPhoneFor] : [text.lead, text.leadFor]
  const client = clientName && displayName(clientName, copy.unnamedClient)
  return (
    <Layout
      form
      title={text.title}
      lead={client ? <Sentence text={leadFor} client={<Client name={client} host={props.clientHost} />} /> : lead}
      notice={linking ? fill(text.linking, { provider: linking }).join('') : props.notice}
      failed={Boolean(error)}
    >
      <Form
        main
        action={action}
        csrf={csrf}
        hidden={{ return_to: props.returnTo }}
        error={error}
        fields={[byPhone ? 'phone' : 'email']}
      >
        {byPhone ? (
          <PhoneField label={text.phone} value={phone} error={error} describedBy="newcomer" hint={text.phoneHint} />
        ) : (
          <EmailField
            label={text.email}
            value={email}
            error={error}
            describedBy="newcomer"
            passkeys={Boolean(passkey)}
          />
        )}
        <Submit text={text.submit} />
        <p class="note" id="newcomer">
          {text.newcomer} {byPhone && text.phoneRisk}
        </p>
      </Form>
      {passkey && (
        <PasskeyForm
          {...{ ...passkey, csrf }}
          kind="get"
          offered={!byPhone}
          hidden={{ return_to: props.returnTo }}
          text={copy.passkeys.use.submit}
          failed={copy.passkeys.use.failed}
        />
      )}
      {(providers.length > 0 || passwordHref || switchHref) && (
        <nav class="aside providers" aria-label={text.providers}>
          {providers.map(({ name, href }) => (
            <ButtonLink
              href={href}
              text={fill(text.provider, { name: displayName(name, text.unnamedProvider) }).join('')}
            />
          ))}
          {switchHref && <ButtonLink href={switchHref} text={byPhone ? text.byEmail : text.byPhone} />}
          {passwordHref && <ButtonLink href={passwordHref} text={text.password} />}
        </nav>
      )}
      {props.withoutMailHref && (
        <p class="aside">
          <a href={props.withoutMailHref}>{text.withoutMail}</a>
        </p>
      )}
      {error?.field === 'form' && <Support href={props.supportHref} text={copy.error.supportPlain} />}
    </Layout>
  )
}

function Client({ name, host }: { name: string; host?: string }) {
  return (
    <>
      <Name>{name}</Name>
      {host && (
        <>
          {' ('}
          {copy.notVerified}, <bdi>{host}</bdi>)
        </>
      )}
    </>
  )
}
