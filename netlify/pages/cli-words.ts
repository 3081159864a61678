/** Every English sentence of the pages for terminals. */
export const words = {
  welcome: {
    title: 'Signed in for the command line',
    lead: 'You are signed in as {email}. If you came from a terminal on this computer, go back to it.',
    headless: 'Is the terminal on another machine, without a browser?',
    explain:
      'Create a token here and paste it there. It is valid for a day, with all permissions of the command line. Don’t share it.',
    make: 'Show me a token',
    client: 'For',
  },
  token: {
    title: 'Your token',
    lead: 'Copy it now: it is shown only once. Paste it where the command line asks for it.',
    label: 'Token',
    until: 'It works until {until}.',
    done: 'Done',
  },
  paste: {
    title: 'Finish in your terminal',
    lead: 'Paste this code into the terminal where you started. It works once, for {minutes} minutes.',
    label: 'Code',
    guard: 'Don’t share it: someone who started this sign-in could use it to sign in as you.',
    handedOver: 'Your terminal has taken over. You can close this page.',
  },
  failed: {
    title: 'The sign-in was not finished',
    lead: 'The terminal was not signed in: {reason} You can close this page and start again there.',
    denied: 'access was denied.',
    other: 'the request could not be completed.',
  },
} as const
