/** Every English sentence of the page that a link in a mail leads to. */
export const words = {
  title: 'Sign in?',
  lead: 'This signs you in here as {email}.',
  leadFor: 'This signs {client} in as {email}.',
  unnamed: 'an application',
  asked: 'Asked for',
  from: 'By',
  unknown: 'Unknown device',
  to: 'Leads to',
  caution:
    'Continue only if you asked for this yourself, just now. No one from LanOnasis will ever ask you to open such a link.',
  submit: 'Sign in',
} as const
