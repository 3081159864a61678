/** Every English sentence of the pages for devices. `{name}` marks a place that `fill` replaces. */
export const words = {
  enter: {
    title: 'Connect a device',
    lead: 'Enter the code that your device or terminal shows.',
    label: 'Code',
    hint: '8 letters, such as BCDF-GHJK',
    submit: 'Continue',
  },
  approve: {
    title: 'Connect this device?',
    heading: '{client} asks to use your LanOnasis account',
    caution:
      'Go on only if you started this yourself, just now, on a device that is yours. If someone sent you this code, they would be signed in as you.',
    code: 'Code on the device',
    account: 'Signed in as',
    started: 'Started',
    from: 'From the address',
    by: 'With',
    unknown: 'unknown',
    scopes: 'It will be able to',
    noScopes: 'It will only learn that you signed in.',
    approve: 'Connect the device',
    deny: 'Deny',
  },
  approved: {
    title: 'The device is connected',
    lead: '{client} is signed in to your account. You can close this page and go back to your device.',
  },
  denied: { title: 'Denied', lead: '{client} was not connected. You can close this page.' },
  revoke: {
    title: 'Disconnect {client}?',
    lead: 'It was connected to your account {when}. Its access is revoked immediately.',
    submit: 'Disconnect',
  },
  revoked: { title: 'Disconnected', lead: '{client} can no longer use your account.' },
} as const
