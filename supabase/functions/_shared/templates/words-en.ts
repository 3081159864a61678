import type { Words } from './words.ts'

export const en: Words = {
  lang: 'en',
  minute: '1 minute',
  minutes: '{count} minutes',
  automated: 'Sent automatically by {origin}. Replies to this address are not read.',
  otp: {
    subject: 'Your {brand} sign-in code',
    preview: 'Open this message to see your code for {origin}. It works once, for {minutes}.',
    heading: 'Your sign-in code',
    lead: 'Enter this code at {origin} to sign in.',
    leadFor: 'Enter this code at {origin} to continue to {client}.',
    validity: 'It works once, for {minutes}.',
    never: 'Never share this code.',
    where:
      'No one from {brand} will ever ask you for it. Enter it only at {origin}, never on another site, never by phone.',
    ignore: 'If you did not ask for it, ignore this message: no one can sign in without the code.',
  },
  link: {
    subject: 'Sign in to {brand}',
    heading: 'Sign in with this link',
    lead: 'You asked to sign in at {origin}. Open the link, check what it says there, and confirm.',
    leadFor:
      'You asked to sign in at {origin} to continue to {client}. Open the link, check what it says there, and confirm.',
    action: 'Sign in',
    validity: 'It works once, for {minutes}. Opening it does not sign you in; only your confirmation does.',
    ignore: 'If you did not ask for it, ignore this message and confirm nothing. Never share the link.',
  },
  sms: {
    code: '{code} is your {brand} code, valid for {minutes}.',
    plain: '{code} is your {brand} code.',
    never: 'Never share it.',
  },
  notice: {
    unnamed: 'one of your keys',
    unnamedClient: 'An application',
    identities_merged: {
      subject: 'Two {brand} accounts were merged',
      heading: 'Two accounts were merged',
      body: [
        'The account with this address and another one were merged at {origin}. You can sign in with either and find everything in one place.',
        'If this was not you, open your account and undo it, then sign out everywhere else.',
      ],
      action: 'Open your account',
    },
    device_connected: {
      subject: 'A device was connected to your {brand} account',
      heading: 'A device was connected to your account',
      body: [
        '{key} was just signed in to your account from a device or terminal.',
        'If that was you, there is nothing to do. If it was not, disconnect it now: its access ends at once.',
      ],
      action: 'It was not me: disconnect it',
    },
    authenticator_added: {
      subject: 'An authenticator app was added to your {brand} account',
      heading: 'An authenticator app was added',
      body: [
        'An authenticator app was set up for your account at {origin}. Its codes prove that it is you.',
        'If this was not you, open your account, remove the app and sign out everywhere else.',
      ],
      action: 'Open your account',
    },
    authenticator_removed: {
      subject: 'An authenticator app was removed from your {brand} account',
      heading: 'An authenticator app was removed',
      body: [
        'An authenticator app of your account at {origin} was removed. Its codes no longer work.',
        'If this was not you, open your account, sign out everywhere else and set up an app again.',
      ],
      action: 'Open your account',
    },
    recovery_codes_made: {
      subject: 'New recovery codes for your {brand} account',
      heading: 'New recovery codes were created',
      body: [
        'New recovery codes were created for your account at {origin}. Older ones no longer work.',
        'If this was not you, open your account, sign out everywhere else and create new codes.',
      ],
      action: 'Open your account',
    },
    recovery_code_used: {
      subject: 'A recovery code of your {brand} account was used',
      heading: 'A recovery code was used',
      body: [
        'A recovery code of your account at {origin} was used. It does not work a second time.',
        'If this was not you, open your account, sign out everywhere else and create new codes.',
      ],
      action: 'Open your account',
    },
    operator_code_made: {
      subject: 'An operator created a code for your {brand} account',
      heading: 'An operator created a code for you',
      body: [
        'An operator created a one-time code that signs in to your account at {origin}. It was given to the person who asked for help in your name.',
        'If this was not you, open your account, sign out everywhere else and tell your administrator.',
      ],
      action: 'Open your account',
    },
    sign_in_method_added: {
      subject: 'A new way to sign in to your {brand} account',
      heading: 'A way to sign in was added',
      body: [
        '{key} can now be used to sign in to your account at {origin}.',
        'If this was not you, open your account, remove it and sign out everywhere else.',
      ],
      action: 'Open your account',
    },
    sign_in_method_removed: {
      subject: 'A way to sign in to your {brand} account was removed',
      heading: 'A way to sign in was removed',
      body: [
        '{key} can no longer be used to sign in to your account at {origin}.',
        'If this was not you, open your account, sign out everywhere else and check how you sign in.',
      ],
      action: 'Open your account',
    },
    phone_added: {
      subject: 'A phone number was added to your {brand} account',
      heading: 'A phone number was added',
      body: [
        'The number {key} can now sign in to your account at {origin} with a code by text message.',
        'If this was not you, open your account, remove the number and sign out everywhere else.',
      ],
      action: 'Open your account',
    },
    api_key_leaked: {
      subject: 'One of your {brand} API keys was found in public',
      heading: 'Your API key was found in public',
      body: [
        'The API key {key} was found in a public place.',
        'To protect your account it may have been stopped already. Rotate it: the new key works at once, and the old one stops working.',
        'Then check what the key was used for while it was public.',
      ],
      action: 'Manage API keys',
    },
    api_key_expiring: {
      subject: 'A {brand} API key is about to expire',
      heading: 'Your API key is about to expire',
      body: ['The API key {key} stops working on {date}.', 'Before then, replace it with a new key, or extend it.'],
      action: 'Manage API keys',
    },
  },
}
