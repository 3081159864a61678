import { EMAIL_INPUT, Form, type FormError, Submit, TextField } from './form-parts.tsx'
import { Layout } from './layout.tsx'

/** Every English sentence of the pages about passwords. */
const words = {
  signIn: {
    title: 'Sign in with a password',
    lead: 'If you don’t have a password, sign in with a code by e-mail.',
    submit: 'Sign in',
    forgot: 'Forgot the password?',
    signUp: 'Create an account',
    code: 'Send me a code instead',
  },
  signUp: {
    title: 'Create an account',
    lead: 'We’ll send a link to confirm your address.',
    submit: 'Create the account',
    signIn: 'I already have an account',
  },
  forgot: {
    title: 'Choose a new password',
    lead: 'We’ll send you a link to choose a new one.',
    submit: 'Send the link',
  },
  reset: { title: 'Choose a new password', lead: 'At least 8 characters.', submit: 'Save the password' },
  confirm: { title: 'Confirm your address', lead: 'Confirm to sign in.', submit: 'Confirm' },
  sent: {
    title: 'Check your e-mail',
    lead: 'If the address needs one, a link is on its way. You can close this page.',
  },
  email: 'E-mail address',
  name: 'Name (optional)',
  password: 'Password',
  newPassword: 'New password',
} as const

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
    <Layout title={text.title} lead={text.lead} failed={Boolean(error)}>
      <Form
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
  label: words.email,
  autocomplete: 'username',
  required: true,
  value,
})
const passwordField = (autocomplete: string, label: string = words.password): Input => ({
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
  const { signIn: text } = words
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
    { ...TEXT, name: 'name', label: words.name, autocomplete: 'name', maxlength: 254, value: props.name },
  ]
  const links: [string, string][] = [[linkTo('/web/password', props), words.signUp.signIn]]
  return FormPage({ ...props, text: words.signUp, inputs, links })
}

/** Asks where to send the link to. */
export function ForgotPasswordPage(props: Props) {
  return FormPage({ ...props, text: words.forgot, inputs: [emailField(props.email)] })
}

/** Asks for the new password; a link alone changes nothing, so a mail scanner that follows it does no harm. */
export function ResetPasswordPage({ tokenHash, ...props }: Props & { tokenHash: string }) {
  const inputs = [passwordField('new-password', words.newPassword)]
  return FormPage({ ...props, text: words.reset, inputs, hidden: { token_hash: tokenHash } })
}

/** Asks for the click that confirms an address. */
export function ConfirmAddressPage({ tokenHash, ...props }: Props & { tokenHash: string }) {
  return FormPage({ ...props, text: words.confirm, inputs: [], hidden: { token_hash: tokenHash } })
}

/** The same for every address. */
export const LinkSentPage = () => <Layout title={words.sent.title} lead={words.sent.lead} />
