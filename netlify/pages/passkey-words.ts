/** Every English sentence about passkeys. */
export const words = {
  list: {
    title: 'Passkeys',
    lead: 'Sign in with your fingerprint, face or screen lock instead of a code. A passkey works only on this site, so no other page can ask for it.',
    none: 'You have no passkey yet.',
    provider: 'Kept by',
    unknownProvider: 'Unknown',
    added: 'Added',
    used: 'Last used',
    neverUsed: 'Not yet',
    synced: 'Synchronized',
    bound: 'On one device',
    copied: 'Possibly copied: remove it',
    add: 'Add a passkey',
    unnamed: 'Passkey',
    rename: 'Rename',
    renameWhich: 'Rename {name}',
    newName: 'New name',
    save: 'Save the name',
    remove: 'Remove',
    removeWhich: 'Remove the passkey {name}',
  },
} as const
