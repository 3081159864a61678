import { en } from 'zod/locales'
import * as z from 'zod/mini'
import { GatewayError, isRefusal } from '../errors.ts'
import { presentMembers } from '../present.ts'
import type { AppContext } from './app.ts'

z.config(en())

export type ReadOptions = {
  /** Parameters that may be repeated; they always arrive as arrays. */
  repeatable?: readonly string[]
}

const NO_PARAMETERS: ReadOptions = {}
const UNSTORABLE = /[\0\p{Surrogate}]/u
const malformed = (reason: string) => new GatewayError('invalid_body', { reason })

function checkText(text: string): void {
  if (UNSTORABLE.test(text)) throw malformed('NUL or lone surrogate')
}

function parseJson(text: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text, (key, value) => {
      checkText(key)
      if (typeof value === 'string') checkText(value)
      return key === '__proto__' ? undefined : value
    })
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : malformed('not JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw malformed('not a JSON object')
  return presentMembers(parsed)
}

function fromPairs(
  pairs: URLSearchParams,
  schema: z.core.$ZodType,
  repeatable: readonly string[],
): Record<string, unknown> {
  const known = 'shape' in schema._zod.def ? Object.keys(schema._zod.def.shape as object) : undefined
  const values = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    checkText(name + value)
    const all = values.get(name)
    if (all) all.push(value)
    else values.set(name, [value])
  }
  const entries: [string, unknown][] = []
  for (const [name, all] of values) {
    const repeated = all.length > 1 && !repeatable.includes(name)
    if (repeated && (!known || known.includes(name))) {
      throw new GatewayError('invalid_request', {
        description: 'A parameter was given more than once.',
        details: { [known ? name : 'parameters']: ['was given more than once'] },
      })
    }
    const filled = all.filter((value) => value !== '')
    if (filled.length > 0 && name !== '__proto__') entries.push([name, repeatable.includes(name) ? filled : filled[0]])
  }
  return Object.fromEntries(entries)
}

function parse<Schema extends z.core.$ZodType>(schema: Schema, values: Record<string, unknown>): z.output<Schema> {
  const result = z.safeParse(schema, values)
  if (result.success) return result.data
  const details: Record<string, string[]> = {}
  for (const issue of result.error.issues) {
    if (isRefusal(issue.message)) throw new GatewayError(issue.message)
    const field = issue.path.join('.') || 'request'
    const missing = issue.code === 'invalid_type' && issue.path.length === 1 && values[field] === undefined
    details[field] = [...(details[field] ?? []), missing ? 'is required' : issue.message]
  }
  throw new GatewayError('invalid_request', { details })
}

function wrapRepeatable(values: Record<string, unknown>, repeatable: readonly string[]): Record<string, unknown> {
  for (const name of repeatable) if (typeof values[name] === 'string') values[name] = [values[name]]
  return values
}

/**
 * Parses the request body by `schema`, from JSON or a form. No body is `{}`; empty values count as absent; a repeated known
 * parameter is refused unless `repeatable` (OAuth 2.1 section 3.2.1).
 * A schema message that names an error (`z.string('missing_email')`) becomes that error.
 * @throws {GatewayError} invalid_body, invalid_request (with `details`), unsupported_media_type, or the named error.
 */
export async function readBody<Schema extends z.core.$ZodType>(
  c: AppContext,
  schema: Schema,
  options: ReadOptions = NO_PARAMETERS,
): Promise<z.output<Schema>> {
  return parse(schema, await bodyValues(c, schema, options))
}

async function bodyValues(
  c: AppContext,
  schema: z.core.$ZodType,
  { repeatable = [] }: ReadOptions,
): Promise<Record<string, unknown>> {
  // Reading a body costs more than checking whether there is one.
  if (c.req.header('content-length') === '0') return {}
  const text = await c.req.text()
  if (text.trim() === '') return {}
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (/^application\/([a-z0-9.-]+\+)?json$/.test(type)) return wrapRepeatable(parseJson(text), repeatable)
  if (type !== 'application/x-www-form-urlencoded') throw new GatewayError('unsupported_media_type')
  return fromPairs(await postedPairs(c), schema, repeatable)
}

/** The unchecked pairs of the posted body, whatever its Content-Type. A body is parsed once. */
export const postedPairs = (c: AppContext): Promise<URLSearchParams> => c.var.call.request.pairs()

/** One field of the posted body, for use before the form is validated. */
export async function postedField(c: AppContext, name: string): Promise<string | undefined> {
  return (await postedPairs(c)).get(name) ?? undefined
}

/**
 * Parses the body by `schema`, or for GET the query, and returns also the names of unknown parameters.
 * @throws {GatewayError} as readBody; with `?strict=true` also invalid_request that names the unknown parameters
 */
export async function readNamed<Schema extends z.core.$ZodObject>(
  c: AppContext,
  schema: Schema,
): Promise<{ values: z.output<Schema>; ignored: string[] }> {
  const { strict, ...query } = fromPairs(queryOf(c), schema, [])
  const isGet = c.req.method === 'GET'
  const given = isGet ? query : await bodyValues(c, schema, NO_PARAMETERS)
  const values = parse(schema, given)
  const known = schema._zod.def.shape
  const others = Object.keys(given).filter((name) => !Object.hasOwn(known, name))
  const ignored = isGet ? others : [...others, ...Object.keys(query)]
  if (strict === 'true' && ignored.length > 0)
    throw new GatewayError('invalid_request', {
      details: Object.fromEntries(ignored.map((name) => [name, ['is not known here']])),
    })
  return { values, ignored }
}

/**
 * Parses a posted form to pairs, including empty values.
 * @throws {GatewayError} invalid_body, unsupported_media_type
 */
export async function readForm(c: AppContext): Promise<URLSearchParams> {
  const text = await c.req.text()
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (text !== '' && type !== 'application/x-www-form-urlencoded') throw new GatewayError('unsupported_media_type')
  const pairs = await postedPairs(c)
  for (const [name, value] of pairs) checkText(name + value)
  return pairs
}

/** Validates the pairs of a form by `schema`, with the rules of `readBody`. */
export function parseForm<Schema extends z.core.$ZodType>(
  pairs: URLSearchParams,
  schema: Schema,
  { repeatable = [] }: ReadOptions = NO_PARAMETERS,
): z.output<Schema> {
  return parse(schema, fromPairs(pairs, schema, repeatable))
}

/** An object with the URL of a request. */
type Addressed = { req: { url: string } }

const queryOf = (c: Addressed) => (c.req.url.includes('?') ? new URL(c.req.url).searchParams : new URLSearchParams())

/**
 * Parses the query by `schema`, with the rules of `readBody`.
 * @throws {GatewayError} invalid_request (with `details`), or the error that a schema message names.
 */
export function readQuery<Schema extends z.core.$ZodType>(
  c: Addressed,
  schema: Schema,
  { repeatable = [] }: ReadOptions = NO_PARAMETERS,
): z.output<Schema> {
  return parse(schema, fromPairs(queryOf(c), schema, repeatable))
}

/**
 * Refuses body parameters that are sent in the URL, where they would appear in logs (OAuth 2.1 section 3.2).
 * @throws {GatewayError} invalid_request
 */
export function refuseQuery(c: AppContext, names: readonly string[]): void {
  const query = queryOf(c)
  const found = names.filter((name) => query.has(name))
  if (found.length === 0) return
  throw new GatewayError('invalid_request', {
    description: 'Parameters must be sent in the request body.',
    details: Object.fromEntries(found.map((name) => [name, ['must not be in the URL']])),
  })
}
