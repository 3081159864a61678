/** Every English sentence of the pages about passwords. */
export const words = {
  signIn: {
    title: 'Sign in with a password',
    lead: 'If you have a password already. Without one, a code by e-mail does the same.',
    submit: 'Sign in',
    forgot: 'Forgot the password?',
    signUp: 'Create an account',
    code: 'Send me a code instead',
  },
  signUp: {
    title: 'Create an account',
    lead: 'We send a link to the address to confirm it.',
    submit: 'Create the account',
    signIn: 'I have an account already',
  },
  forgot: {
    title: 'Choose a new password',
    lead: 'We send a link with which you choose a new one.',
    submit: 'Send the link',
  },
  reset: { title: 'Choose a new password', lead: 'At least 8 characters.', submit: 'Save the password' },
  confirm: { title: 'Confirm your address', lead: 'One click and you are signed in.', submit: 'Confirm' },
  sent: {
    title: 'Check your e-mail',
    lead: 'If the address can receive mail and there is something to do for it, a link is on its way. You can close this page.',
  },
  email: 'E-mail address',
  name: 'Name (optional)',
  password: 'Password',
  newPassword: 'New password',
} as const
