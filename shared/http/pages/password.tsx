import { EMAIL_INPUT } from './form-parts.tsx'
import { Hidden, Layout, Problem } from './layout.tsx'
import { words } from './password-words.ts'

type Form = { action: string; csrf: string; error?: string; returnTo?: string; email?: string }
type Field = {
  id: string
  label: string
  type: 'email' | 'password' | 'text'
  autocomplete: string
  value?: string
  optional?: boolean
}

function Input({ id, label, type, autocomplete, value, optional, problem }: Field & { problem?: boolean }) {
  return (
    <>
      <label for={id}>{label}</label>
      <input
        id={id}
        name={id}
        {...(type === 'email' ? EMAIL_INPUT : { type, maxlength: type === 'password' ? 1000 : 254 })}
        autocapitalize="none"
        spellcheck={false}
        autocomplete={autocomplete}
        required={!optional}
        value={value}
        aria-invalid={problem ? 'true' : undefined}
        aria-describedby={problem ? 'problem' : undefined}
      />
    </>
  )
}

type Page = Form & {
  text: { title: string; lead: string; submit: string }
  fields: Field[]
  hidden?: Record<string, string | undefined>
  links?: [href: string, label: string][]
}

function FormPage({ action, csrf, error, returnTo, text, fields, hidden = {}, links = [] }: Page) {
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <Problem id="problem" text={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, return_to: returnTo, ...hidden }} />
        {fields.map((field, n) => (
          <p>
            <Input {...field} problem={Boolean(error) && n === 0} />
          </p>
        ))}
        <button class="button primary" type="submit">
          {text.submit}
        </button>
      </form>
      {links.length > 0 && (
        <nav class="aside links" aria-label={text.title}>
          {links.map(([href, label]) => (
            <a href={href}>{label}</a>
          ))}
        </nav>
      )}
    </Layout>
  )
}

const back = (path: string, returnTo: string | undefined) =>
  returnTo ? `${path}?return_to=${encodeURIComponent(returnTo)}` : path
const emailField = (value?: string): Field => ({
  id: 'email',
  label: words.email,
  type: 'email',
  autocomplete: 'username',
  value,
})
const passwordField = (autocomplete: string, label: string = words.password): Field => ({
  id: 'password',
  label,
  type: 'password',
  autocomplete,
})

/** Asks for an address and a password. */
export function PasswordPage(props: Form) {
  const { signIn: text } = words
  const { returnTo } = props
  const links: [string, string][] = [
    [back('/web/login', returnTo), text.code],
    [back('/web/forgot-password', returnTo), text.forgot],
    [back('/web/signup', returnTo), text.signUp],
  ]
  return FormPage({ ...props, text, fields: [emailField(props.email), passwordField('current-password')], links })
}

/** Asks what a new account is to have. */
export function SignUpPage(props: Form & { name?: string }) {
  const fields: Field[] = [
    emailField(props.email),
    passwordField('new-password'),
    { id: 'name', label: words.name, type: 'text', autocomplete: 'name', value: props.name, optional: true },
  ]
  const links: [string, string][] = [[back('/web/password', props.returnTo), words.signUp.signIn]]
  return FormPage({ ...props, text: words.signUp, fields, links })
}

/** Asks where to send the link to. */
export function ForgotPasswordPage(props: Form) {
  return FormPage({ ...props, text: words.forgot, fields: [emailField(props.email)] })
}

/** Asks for the new password; a link alone changes nothing, so a mail scanner that follows it does no harm. */
export function ResetPasswordPage({ tokenHash, ...props }: Form & { tokenHash: string }) {
  const fields = [passwordField('new-password', words.newPassword)]
  return FormPage({ ...props, text: words.reset, fields, hidden: { token_hash: tokenHash } })
}

/** Asks for the click that confirms an address. */
export function ConfirmAddressPage({ tokenHash, ...props }: Form & { tokenHash: string }) {
  return FormPage({ ...props, text: words.confirm, fields: [], hidden: { token_hash: tokenHash } })
}

/** The same for every address. */
export function LinkSentPage() {
  return (
    <Layout title={words.sent.title}>
      <h1>{words.sent.title}</h1>
      <p class="lead">{words.sent.lead}</p>
    </Layout>
  )
}
