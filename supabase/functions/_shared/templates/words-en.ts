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
    openAccount: 'Open your account',
    unnamed: 'one of your keys',
    unnamedClient: 'An application',
    unnamedBrowser: 'an app or a script',
    new_sign_in: {
      subject: 'New sign-in to your {brand} account',
      heading: 'New sign-in to your account',
      body: [
        'Your account at {origin} was used from a place that it was not used from before: {browser}, network {network}, on {time}.',
        'If that was you, there is nothing to do. If it was not, open the link and confirm: it signs that browser out and ends everything that was done with it.',
      ],
      action: 'This wasn’t me',
    },
    identities_merged: {
      subject: 'Two {brand} accounts were merged',
      heading: 'Two accounts were merged',
      body: [
        'The account with this address and another one were merged at {origin}. You can sign in with either and find everything in one place.',
        'If this was not you, open your account and undo it, then sign out everywhere else.',
      ],
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
    },
    authenticator_removed: {
      subject: 'An authenticator app was removed from your {brand} account',
      heading: 'An authenticator app was removed',
      body: [
        'An authenticator app of your account at {origin} was removed. Its codes no longer work.',
        'If this was not you, open your account, sign out everywhere else and set up an app again.',
      ],
    },
    passkey_added: {
      subject: 'A passkey was added to your {brand} account',
      heading: 'A passkey was added',
      body: [
        'The passkey {key} was added to your account at {origin}. It signs in as you.',
        'If this was not you, open your account, remove the passkey and sign out everywhere else.',
      ],
    },
    passkey_removed: {
      subject: 'A passkey was removed from your {brand} account',
      heading: 'A passkey was removed',
      body: [
        'The passkey {key} of your account at {origin} was removed. It no longer signs in.',
        'If this was not you, open your account and sign out everywhere else.',
      ],
    },
    recovery_codes_made: {
      subject: 'New recovery codes for your {brand} account',
      heading: 'New recovery codes were created',
      body: [
        'New recovery codes were created for your account at {origin}. Older ones no longer work.',
        'If this was not you, open your account, sign out everywhere else and create new codes.',
      ],
    },
    recovery_code_used: {
      subject: 'A recovery code of your {brand} account was used',
      heading: 'A recovery code was used',
      body: [
        'A recovery code of your account at {origin} was used. It does not work a second time.',
        'If this was not you, open your account, sign out everywhere else and create new codes.',
      ],
    },
    operator_code_made: {
      subject: 'An operator created a code for your {brand} account',
      heading: 'An operator created a code for you',
      body: [
        'An operator created a one-time code that signs in to your account at {origin}. It was given to the person who asked for help in your name.',
        'If this was not you, open your account, sign out everywhere else and tell your administrator.',
      ],
    },
    sign_in_method_added: {
      subject: 'A new way to sign in to your {brand} account',
      heading: 'A way to sign in was added',
      body: [
        '{key} can now be used to sign in to your account at {origin}.',
        'If this was not you, open your account, remove it and sign out everywhere else.',
      ],
    },
    sign_in_method_removed: {
      subject: 'A way to sign in to your {brand} account was removed',
      heading: 'A way to sign in was removed',
      body: [
        '{key} can no longer be used to sign in to your account at {origin}.',
        'If this was not you, open your account, sign out everywhere else and check how you sign in.',
      ],
    },
    phone_added: {
      subject: 'A phone number was added to your {brand} account',
      heading: 'A phone number was added',
      body: [
        'The number {key} can now sign in to your account at {origin} with a code by text message.',
        'If this was not you, open your account, remove the number and sign out everywhere else.',
      ],
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
  auth: {
    code: 'Or enter this code where you are asked for it:',
    codeOnly: 'Enter this code where you are asked for it:',
    once: 'It works once, for a short time. Never share it with anyone.',
    ignore: 'If this was not you, ignore this message: nothing changes.',
    alarm: 'If this was not you, reset your password now and sign out everywhere.',
    otherProvider: 'another account',
    signup: {
      subject: 'Confirm your e-mail address',
      lead: 'Confirm that {address} is yours, and your account is ready.',
      action: 'Confirm the address',
    },
    invite: {
      subject: 'You are invited to {brand}',
      lead: 'You are invited to an account at {site} with the address {address}.',
      action: 'Accept the invitation',
    },
    magiclink: { subject: 'Your sign-in link', lead: 'Follow this link to sign in to {site}.', action: 'Sign in' },
    recovery: {
      subject: 'Reset your password',
      lead: 'Someone, hopefully you, asked to reset the password of {address}.',
      action: 'Choose a new password',
    },
    email_change_current: {
      subject: 'Confirm the change of your e-mail address',
      lead: 'The address of your account is about to change from {address} to {other}. Please confirm it from this address too.',
      action: 'Confirm the change',
    },
    email_change_new: {
      subject: 'Confirm your new e-mail address',
      lead: 'Confirm that {address} is yours, and it becomes the address of your account.',
      action: 'Confirm the address',
    },
    reauthentication: {
      subject: 'Your confirmation code',
      lead: 'You are about to do something that needs your confirmation.',
    },
    password_changed_notification: {
      subject: 'Your password was changed',
      lead: 'The password of your account at {site} was changed.',
    },
    email_changed_notification: {
      subject: 'Your e-mail address was changed',
      lead: 'The address of your account at {site} is no longer {other}.',
    },
    phone_changed_notification: {
      subject: 'Your phone number was changed',
      lead: 'The phone number of your account at {site} was changed.',
    },
    identity_linked_notification: {
      subject: 'A way to sign in was added',
      lead: 'You can now sign in to your account at {site} with {what}.',
    },
    identity_unlinked_notification: {
      subject: 'A way to sign in was removed',
      lead: 'You can no longer sign in to your account at {site} with {what}.',
    },
    mfa_factor_enrolled_notification: {
      subject: 'A second factor was added',
      lead: 'A second factor ({what}) was added to your account at {site}.',
    },
    mfa_factor_unenrolled_notification: {
      subject: 'A second factor was removed',
      lead: 'A second factor ({what}) was removed from your account at {site}.',
    },
    account_changed_notification: {
      subject: 'Your account was changed',
      lead: 'Something about your account at {site} was changed.',
    },
  },
}
