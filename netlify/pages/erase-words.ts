/** The words of the page on which a person erases their account. */
export const words = {
  title: 'Delete this account',
  lead: 'All data that identifies you is destroyed: your addresses, your name, where you signed in from. This can’t be undone.',
  ends: 'You are signed out everywhere, and all applications and keys stop working immediately.',
  stays: 'A record without your personal data remains, so that the history of this service can still be verified.',
  confirm: 'Type {word} to confirm',
  word: 'delete',
  wrong: 'Type the word exactly as shown.',
  submit: 'Delete my account',
  cancel: 'Keep my account',
  doneTitle: 'Your account is deleted',
  doneLead: 'Save this receipt if you want to keep it: it is shown only once.',
  receipt: {
    uai: 'Identifier',
    erasedAt: 'Deleted',
    event: 'Record',
    hash: 'Its hash',
    keys: 'Data keys destroyed',
    backups: 'Removed from backups by',
  },
} as const
