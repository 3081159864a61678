/** Members of an object from outside that say something: null and the empty text count as left out. */
export function presentMembers(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '' && value !== null))
}
