const saysSomething = (value: unknown) => value !== '' && value !== null && value !== undefined

/** Members of an object from outside that say something: null and the empty text count as left out. */
export function presentMembers(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => saysSomething(value)))
}

/**
 * The same at every depth, for metadata and answers of others, where an empty list or object says nothing either. Not for the content
 * of our own API: there a person may mean to empty a list.
 */
export function presentDeeply(given: object): Record<string, unknown> {
  const members = Object.entries(given).map(([name, value]) => [name, presentValue(value)])
  return presentMembers(Object.fromEntries(members))
}

/** A value as `presentDeeply` leaves it; undefined when it says nothing. */
export function presentValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value.map(presentValue).filter(saysSomething)
    return items.length > 0 ? items : undefined
  }
  const members = presentDeeply(value)
  return Object.keys(members).length > 0 ? members : undefined
}

/** Reads JSON that comes from outside. @throws SyntaxError */
export const parsePresent = (text: string): unknown => presentValue(JSON.parse(text))
