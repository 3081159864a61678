import { copy } from './copy.ts'
import { EMAIL_INPUT, Form, type FormError, Submit, TextField } from './form-parts.tsx'
import { Layout } from './layout.tsx'

type Props = { action: string; csrf: string; error?: FormError; returnTo?: string; email?: string }
type Input = Parameters<typeof TextField>[0] & { name: 'email' | 'password' | 'name' }

type Page = Props & {
  text: { title: string; lead: string; submit: string }
  inputs: Input[]
  hidden?: Record<string, string | undefined>
  links?: [href: string, label: string][]
}

function FormPage({ action, csrf, error, returnTo, text, inputs, hidden, links = [] }: Page) {
  return (
    <Layout title={text.title} form lead={text.lead} failed={Boolean(error)}>
      <Form
        main
        action={action}
        csrf={csrf}
        hidden={{ return_to: returnTo, ...hidden }}
        error={error}
        fields={inputs.map(({ name }) => name)}
      >
        {inputs.map((input) => (
          <div>
            <TextField {...input} error={error} />
          </div>
        ))}
        <Submit text={text.submit} />
      </Form>
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
function linkTo(path: string, { returnTo, email }: Pick<Props, 'returnTo' | 'email'>): string {
  const query = new URLSearchParams({ ...(returnTo && { return_to: returnTo }), ...(email && { email }) })
  return query.size > 0 ? `${path}?${query}` : path
}

const TEXT = { autocapitalize: 'none', spellcheck: false } as const
const emailField = (value?: string): Input => ({
  ...EMAIL_INPUT,
  name: 'email',
  label: copy.passwords.email,
  autocomplete: 'username',
  required: true,
  value,
})
const passwordField = (autocomplete: string, label = copy.passwords.password): Input => ({
  ...TEXT,
  name: 'password',
  label,
  type: 'password',
  autocomplete,
  maxlength: 1000,
  required: true,
})

/** Asks for an address and a password. */
export function PasswordPage(props: Props) {
  const { signIn: text } = copy.passwords
  const links: [string, string][] = [
    [linkTo('/web/login', { returnTo: props.returnTo }), text.code],
    [linkTo('/web/forgot-password', props), text.forgot],
    [linkTo('/web/signup', props), text.signUp],
  ]
  return FormPage({ ...props, text, inputs: [emailField(props.email), passwordField('current-password')], links })
}

/** Asks for the details of a new account. */
export function SignUpPage(props: Props & { name?: string }) {
  const inputs: Input[] = [
    emailField(props.email),
    passwordField('new-password'),
    { ...TEXT, name: 'name', label: copy.passwords.name, autocomplete: 'name', maxlength: 254, value: props.name },
  ]
  const links: [string, string][] = [[linkTo('/web/password', props), copy.passwords.signUp.signIn]]
  return FormPage({ ...props, text: copy.passwords.signUp, inputs, links })
}

/** Asks where to send the link to. */
export function ForgotPasswordPage(props: Props) {
  return FormPage({ ...props, text: copy.passwords.forgot, inputs: [emailField(props.email)] })
}

/** Asks for the new password; a link alone changes nothing, so a mail scanner that follows it does no harm. */
export function ResetPasswordPage({ tokenHash, ...props }: Props & { tokenHash: string }) {
  const inputs = [passwordField('new-password', copy.passwords.newPassword)]
  return FormPage({ ...props, text: copy.passwords.reset, inputs, hidden: { token_hash: tokenHash } })
}

/** Asks for the click that confirms an address. */
export function ConfirmAddressPage({ tokenHash, ...props }: Props & { tokenHash: string }) {
  return FormPage({ ...props, text: copy.passwords.confirm, inputs: [], hidden: { token_hash: tokenHash } })
}

/** The same for every address. */
export const LinkSentPage = () => <Layout title={copy.passwords.sent.title} lead={copy.passwords.sent.lead} />
