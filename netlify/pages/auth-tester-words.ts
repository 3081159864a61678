/** Every English sentence of the client that the gateway can be tried with. */
export const words = {
  start: {
    title: 'Try the gateway',
    lead: 'This page acts as an application. It requests authorization with PKCE, as the client auth-tester, and shows every step.',
    scope: 'Scopes',
    submit: 'Ask for authorization',
  },
  code: {
    title: 'The application was called back',
    lead: 'The gateway sent you here with a code. You can exchange it once, within 60 seconds.',
    foreign:
      'This page did not begin this authorization, so it has no verifier for the code: exchange it where you began.',
    label: 'Authorization code',
    submit: 'Exchange it for tokens',
  },
  tokens: {
    title: 'The application has tokens',
    lead: 'This is the response of the token endpoint, and the content of its tokens.',
    answer: 'Response of /oauth/token',
    accessToken: 'Access token, decoded',
    idToken: 'ID token, decoded',
  },
  failed: {
    title: 'The application was refused',
    lead: 'The gateway returned an error instead of a code.',
  },
  again: 'Begin again',
} as const
