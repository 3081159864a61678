import type { AskedBrand } from './templates/branding.ts'

/** Returns the fields of a JSON object that are neither null nor empty text; none for anything else. */
export function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return {}
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== ''))
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

/** A one-time code of the gateway. */
export function isCode(value: unknown): value is string {
  return isText(value, /^\d{6,8}$/)
}

/** An absolute web address. */
export function isLink(value: unknown): value is string {
  return isText(value, /^https?:\/\/[^\s"'<>]{1,2000}$/) && URL.canParse(value)
}

/** A lifetime in seconds. */
export function isLifetime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 60 && value <= 3600
}

/** Returns the language of a Supabase account, from its metadata; BCP 47. */
export function localeOf(metadata: unknown): string | undefined {
  const { locale, lang, language } = fieldsOf(metadata)
  const found = [locale, language, lang].find((one) => isText(one, /^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$/))
  return found as string | undefined
}

/** Parses `{name?, colour?}`; undefined if absent, null if malformed. */
function brandOf(value: unknown): AskedBrand | undefined | null {
  if (value === undefined) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) return null
  const { name, colour } = fieldsOf(value)
  if (!isOptionalText(name) || !isOptionalText(colour)) return null
  return { name, colour }
}

export interface Envelope {
  to: string
  /** Host with its port, if any. */
  origin: string
  locale?: string
  brand?: AskedBrand
}

/**
 * Parses what every message of the gateway has: `{type, to, origin, locale?, brand?}`; undefined when a field is missing or malformed.
 * Unknown fields are ignored, so that the sender may be newer than the function.
 */
export function parseEnvelope(
  body: unknown,
  type: string,
  parseTo: (value: unknown) => string | undefined,
): Envelope | undefined {
  const { type: given, to: recipient, origin, locale, brand: asked } = fieldsOf(body)
  const to = parseTo(recipient)
  const brand = brandOf(asked)
  if (given !== type || !to || !isText(origin, /^[a-z0-9.-]{1,253}(:\d{1,5})?$/)) return undefined
  return isOptionalText(locale) && brand !== null ? { to, origin, locale, brand } : undefined
}
