import { copy, fill } from './copy.ts'
import { EmailField, errorAt, type FormError, FormProblem, PhoneField } from './form-parts.tsx'
import { Hidden, Layout, Name, Notice, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'
import { Support } from './support.tsx'

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
    clientHost,
    email,
    phone,
    switchHref,
    error,
    returnTo,
    notice,
    providers = [],
    linking,
    passwordHref,
    withoutMailHref,
  } = props
  const text = copy.signIn
  const byPhone = phone !== undefined
  const [lead, leadFor] = byPhone ? [text.leadPhone, text.leadPhoneFor] : [text.lead, text.leadFor]
  const client = clientName && displayName(clientName, copy.unnamedClient)
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">
        {client ? <Sentence text={leadFor} client={<Client name={client} host={clientHost} />} /> : lead}
      </p>
      <Notice text={linking ? fill(text.linking, { provider: linking }).join('') : notice} />
      <FormProblem error={error} fields={[byPhone ? 'phone' : 'email']} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, return_to: returnTo }} />
        {byPhone ? (
          <PhoneField label={text.phone} value={phone} error={errorAt(error, 'phone')} describedBy="hint newcomer" />
        ) : (
          <EmailField label={text.email} value={email} error={errorAt(error, 'email')} describedBy="newcomer" />
        )}
        {byPhone && (
          <p class="note" id="hint">
            {text.phoneHint}
          </p>
        )}
        <button class="button primary" type="submit">
          {text.submit}
        </button>
        <p class="note" id="newcomer">
          {text.newcomer} {byPhone && text.phoneRisk}
        </p>
      </form>
      {(providers.length > 0 || passwordHref || switchHref) && (
        <nav class="aside providers" aria-label={text.providers}>
          {providers.map(({ name, href }) => (
            <a class="button" href={href}>
              {fill(text.provider, { name: displayName(name, text.unnamedProvider) }).join('')}
            </a>
          ))}
          {switchHref && (
            <a class="button" href={switchHref}>
              {byPhone ? text.byEmail : text.byPhone}
            </a>
          )}
          {passwordHref && (
            <a class="button" href={passwordHref}>
              {text.password}
            </a>
          )}
        </nav>
      )}
      {withoutMailHref && (
        <p class="aside">
          <a href={withoutMailHref}>{text.withoutMail}</a>
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
