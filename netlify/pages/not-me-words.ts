import type { LastingChange } from '../../shared/queries/sign-in-places.ts'
import type { Disowned } from '../../shared/sign-in/disown.ts'

/** Every English sentence of the pages that the link of a new sign-in notice leads to. */
export const words = {
  title: 'Was this not you?',
  lead: 'Your account was used from a new place.',
  when: 'When',
  browser: 'Browser',
  network: 'Network',
  program: 'An app or a script',
  effect:
    'If this was not you, confirm it. That session ends, with everything that was done with it: other sessions, applications, API keys and agents. Devices that are not asked for a second factor are asked again.',
  mine: 'If this was you, close this page. Nothing has changed.',
  confirm: 'This wasn’t me: end it',
  doneTitle: 'That access has ended',
  doneLead: 'What was signed in there, and everything that followed from it, no longer works.',
  ended: {
    session: ['1 session', '{count} sessions'],
    token_family: ['The access of 1 application', 'The access of {count} applications'],
    api_key: ['1 API key', '{count} API keys'],
    agent_delegation: ['The access of 1 agent', 'The access of {count} agents'],
  } satisfies Record<keyof Disowned['ended'], [one: string, many: string]>,
  changes: 'What was changed there',
  noChanges: 'Nothing that lasts longer than the session was changed.',
  undo: 'Sign in and check each of these. If you have an authenticator app or a passkey, you need it to undo them.',
  changed: {
    CredentialLinked: 'A way to sign in was added',
    CredentialUnlinked: 'A way to sign in was removed',
    IdentityMerged: 'The account was merged with another one',
    IdentityAbsorbed: 'Another account was merged into this one',
    IdentitySplit: 'A merge was undone',
    TotpEnrolled: 'An authenticator app was set up',
    TotpRemoved: 'An authenticator app was removed',
    PasskeyRegistered: 'A passkey was added',
    PasskeyRemoved: 'A passkey was removed',
    RecoveryCodesIssued: 'New recovery codes were created',
    IdentityChanged: 'The profile was changed',
    ConsentGranted: 'An application was allowed',
  } satisfies Record<LastingChange, string>,
  account: 'Open your account',
}
