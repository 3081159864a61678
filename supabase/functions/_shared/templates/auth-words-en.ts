import type { AuthWords } from './auth-words.ts'

export const en: AuthWords = {
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
}
