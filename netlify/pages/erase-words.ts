/** The words of the page on which a person erases their account. */
export const words = {
  title: 'Delete this account',
  lead: 'Everything that says who you are is destroyed: your addresses, your name, where you signed in from. Nobody can undo it, not even we.',
  ends: 'You are signed out everywhere, and every application and key stops at once.',
  stays: 'A record without your data stays, so that the history of this service can still be checked.',
  confirm: 'Type {word} to confirm',
  word: 'delete',
  wrong: 'Type the word as it stands.',
  submit: 'Delete my account for good',
  cancel: 'Keep it',
  doneTitle: 'Your account is deleted',
  doneLead: 'Keep this receipt if you like: it is the only one.',
  receipt: {
    uai: 'Identifier',
    erasedAt: 'Deleted',
    event: 'Record',
    hash: 'Its hash',
    keys: 'Data keys destroyed',
    backups: 'Backups have forgotten by',
  },
} as const
