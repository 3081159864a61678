import { copy, fill } from './copy.ts'
import { EmailField } from './form-parts.tsx'
import { Hidden, Layout, Name, Notice, Problem, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'

type SignInProps = {
  /** Where the form posts `csrf`, `return_to` and `email`. */
  action: string
  csrf: string
  /** The application that the person is on the way to, and the host it lives on. */
  clientName?: string
  clientHost?: string
  email?: string
  error?: string
  returnTo?: string
  notice?: string
  /** Other ways to sign in. */
  providers?: { name: string; href: string }[]
  /** Where one signs in with a password, where that is offered. */
  passwordHref?: string
  /** The provider whose account is linked by this sign-in. */
  linking?: string
}

/** Asks for an e-mail address to send a code to. The same page greets people with and without an account. */
export function SignInPage(props: SignInProps) {
  const {
    action,
    csrf,
    clientName,
    clientHost,
    email,
    error,
    returnTo,
    notice,
    providers = [],
    linking,
    passwordHref,
  } = props
  const text = copy.signIn
  const client = clientName && displayName(clientName, copy.unnamedClient)
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">
        {client ? <Sentence text={text.leadFor} client={<Client name={client} host={clientHost} />} /> : text.lead}
      </p>
      <Notice text={linking ? fill(text.linking, { provider: linking }).join('') : notice} />
      <Problem id="problem" text={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, return_to: returnTo }} />
        <EmailField label={text.email} value={email} error={error} describedBy="newcomer" />
        <button class="button primary" type="submit">
          {text.submit}
        </button>
        <p class="note" id="newcomer">
          {text.newcomer}
        </p>
      </form>
      {(providers.length > 0 || passwordHref) && (
        <nav class="aside providers" aria-label={text.providers}>
          {providers.map(({ name, href }) => (
            <a class="button" href={href}>
              {fill(text.provider, { name: displayName(name, text.unnamedProvider) }).join('')}
            </a>
          ))}
          {passwordHref && (
            <a class="button" href={passwordHref}>
              {text.password}
            </a>
          )}
        </nav>
      )}
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
          <bdi>{host}</bdi>)
        </>
      )}
    </>
  )
}
