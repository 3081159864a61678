import type { Words } from './words.ts'

export const en: Words = {
  lang: 'en',
  brand: 'LanOnasis',
  minute: '1 minute',
  minutes: '{count} minutes',
  automated: 'Sent automatically by {origin}. Replies to this address are not read.',
  otp: {
    subject: 'Your LanOnasis sign-in code',
    preview: 'Open this message to see your code for {origin}. It works once, for {minutes}.',
    heading: 'Your sign-in code',
    lead: 'Enter this code at {origin} to sign in.',
    leadFor: 'Enter this code at {origin} to continue to {client}.',
    validity: 'It works once, for {minutes}.',
    never: 'Never share this code.',
    where:
      'Nobody from LanOnasis will ever ask you for it. Enter it only at {origin}, never on another site, never by phone.',
    ignore: 'If you did not ask for it, ignore this message: nobody can sign in without the code.',
  },
}
