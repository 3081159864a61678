/** Returns the fields of a JSON object that are neither null nor empty text; none for anything else. */
export function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return {}
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== ''))
}

/** A host with its port, if any. */
export function isHost(value: unknown): value is string {
  return isText(value, /^[a-z0-9.-]{1,253}(:\d{1,5})?$/)
}

/** A phone number as the gateway sends it, or as Supabase stores it, usually without a plus. */
export function isNumber(value: unknown): value is string {
  return isText(value, /^\+?[1-9]\d{6,14}$/)
}

export function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

export function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= 200)
}

/** An absolute web address. */
export function isLink(value: unknown): value is string {
  return isText(value, /^https?:\/\/[^\s"'<>]{1,2000}$/) && URL.canParse(value)
}

/** A lifetime in seconds. */
export function isLifetime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 60 && value <= 3600
}

/** Parses `{name?, colour?}`; undefined if absent, null if malformed. */
export function brandOf(value: unknown): { name?: string; colour?: string } | undefined | null {
  if (value === undefined) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) return null
  const { name, colour } = fieldsOf(value)
  if (!isOptionalText(name) || !isOptionalText(colour)) return null
  return { name, colour }
}
