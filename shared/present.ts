const saysSomething = (value: unknown) => value !== '' && value !== null && value !== undefined

/** The members of an external object that have a value: null and empty text count as absent. */
export function presentMembers(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => saysSomething(value)))
}

/**
 * The same at every depth, for external metadata and responses, where empty lists and objects also count as absent. Not for our own
 * API, where a caller may want to empty a list.
 */
export function presentDeeply(given: object): Record<string, unknown> {
  const members = Object.entries(given).map(([name, value]) => [name, presentValue(value)])
  return presentMembers(Object.fromEntries(members))
}

/** A value as `presentDeeply` returns it; undefined if it counts as absent. */
function presentValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value.map(presentValue).filter(saysSomething)
    return items.length > 0 ? items : undefined
  }
  const members = presentDeeply(value)
  return Object.keys(members).length > 0 ? members : undefined
}

/** Parses external JSON. @throws SyntaxError */
export const parsePresent = (text: string): unknown => presentValue(JSON.parse(text))
