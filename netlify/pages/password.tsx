import { EMAIL_INPUT, errorAt, type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Problem } from './layout.tsx'
import { words } from './password-words.ts'

type Form = { action: string; csrf: string; error?: FormError; returnTo?: string; email?: string }
type Input = {
  id: 'email' | 'password' | 'name'
  label: string
  type: 'email' | 'password' | 'text'
  autocomplete: string
  value?: string
  optional?: boolean
}

function Field({ id, label, type, autocomplete, value, optional, error }: Input & { error?: string }) {
  return (
    <>
      <label for={id}>{label}</label>
      <Problem id="problem" text={error} />
      <input
        id={id}
        name={id}
        {...(type === 'email' ? EMAIL_INPUT : { type, maxlength: type === 'password' ? 1000 : 254 })}
        autocapitalize="none"
        spellcheck={false}
        autocomplete={autocomplete}
        required={!optional}
        value={value}
        autofocus={error !== undefined}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={error ? 'problem' : undefined}
      />
    </>
  )
}

type Page = Form & {
  text: { title: string; lead: string; submit: string }
  fields: Input[]
  hidden?: Record<string, string | undefined>
  links?: [href: string, label: string][]
}

function FormPage({ action, csrf, error, returnTo, text, fields, hidden = {}, links = [] }: Page) {
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <FormProblem error={error} fields={fields.map(({ id }) => id)} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, return_to: returnTo, ...hidden }} />
        {fields.map((field) => (
          <div>
            <Field {...field} error={errorAt(error, field.id)} />
          </div>
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

/** Another page of the same sign-in, which knows the address too. */
function linkTo(path: string, { returnTo, email }: Pick<Form, 'returnTo' | 'email'>): string {
  const query = new URLSearchParams({ ...(returnTo && { return_to: returnTo }), ...(email && { email }) })
  return query.size > 0 ? `${path}?${query}` : path
}
const emailField = (value?: string): Input => ({
  id: 'email',
  label: words.email,
  type: 'email',
  autocomplete: 'username',
  value,
})
const passwordField = (autocomplete: string, label: string = words.password): Input => ({
  id: 'password',
  label,
  type: 'password',
  autocomplete,
})

/** Asks for an address and a password. */
export function PasswordPage(props: Form) {
  const { signIn: text } = words
  const links: [string, string][] = [
    [linkTo('/web/login', { returnTo: props.returnTo }), text.code],
    [linkTo('/web/forgot-password', props), text.forgot],
    [linkTo('/web/signup', props), text.signUp],
  ]
  return FormPage({ ...props, text, fields: [emailField(props.email), passwordField('current-password')], links })
}

/** Asks for the details of a new account. */
export function SignUpPage(props: Form & { name?: string }) {
  const fields: Input[] = [
    emailField(props.email),
    passwordField('new-password'),
    { id: 'name', label: words.name, type: 'text', autocomplete: 'name', value: props.name, optional: true },
  ]
  const links: [string, string][] = [[linkTo('/web/password', props), words.signUp.signIn]]
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
