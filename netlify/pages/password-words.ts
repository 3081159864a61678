/** Every English sentence of the pages about passwords. */
export const words = {
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
