/** What has names that are unique within one place: keys and projects of an owner, stored keys of a project. */
export type Named = 'api-key' | 'project' | 'stored-key'

/** Returns the lookup value of a name. */
export const nameLookup = (kind: Named, place: string, name: string): string =>
  `${kind}:${place}:${name.trim().normalize('NFC').toLowerCase()}`
