import * as z from 'zod/mini'
import { GatewayError } from '../errors.ts'
import { once } from '../once.ts'
import { presentMembers } from '../present.ts'
import type { SupabaseUser } from '../sso/supabase-project.ts'
import { statedEmail } from '../typed/fields.ts'

const text = once(() => z.string().check(z.minLength(1), z.maxLength(200)))
const details = once(() => z.optional(z.record(z.string(), z.unknown())))

const userRow = once(() =>
  z.object({
    id: z.uuid(),
    email: z.optional(statedEmail()),
    email_confirmed_at: z.optional(z.string().check(z.maxLength(60))),
    metadata: details(),
    raw_user_meta_data: details(),
  }),
)

const keyHash = once(() => z.string().check(z.toLowerCase(), z.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')))
/** An API key of another store of the ecosystem, without its secret (docs/wire-contract.md 1.10). */
const keyRow = once(() =>
  z.object({
    event_type: z.prefault(z.enum(['INSERT', 'UPDATE', 'REVOKE', 'ROTATE']), 'INSERT'),
    id: text(),
    user_id: z.uuid(),
    organization_id: text(),
    name: text(),
    key_hash: keyHash(),
    old_key_hash: z.optional(keyHash()),
    access_level: z.optional(text()),
    key_context: z.optional(text()),
    permissions: z.pipe(
      z.prefault(z.union([z.array(text()).check(z.maxLength(100)), z.string().check(z.maxLength(4000))]), ''),
      z.transform((given) => (typeof given === 'string' ? given.split(/[\s,]+/) : given).filter(Boolean)),
    ),
    expires_at: z.optional(z.pipe(z.string(), z.coerce.date())),
    is_active: z.prefault(z.boolean(), true),
  }),
)

export type SyncedKey = z.output<ReturnType<typeof keyRow>>

/** The unvalidated body of a webhook. */
export const webhookBody = once(() => z.looseObject({}))

const row = once(() => z.optional(z.looseObject({})))
const webhook = once(() => z.object({ type: z.enum(['INSERT', 'UPDATE', 'DELETE']), record: row(), old_record: row() }))

type Row = Record<string, unknown>
type RowChange = { event?: 'INSERT' | 'UPDATE' | 'DELETE'; row: Row; before?: Row }

/** Reads a change: the body itself (docs/wire-contract.md 1.10), or the row in the body of a Supabase database webhook. */
function readChange(body: Row): RowChange {
  const { data } = webhook().safeParse(body)
  if (!data?.record && !data?.old_record) return { row: body }
  return { event: data.type, row: data.record ?? data.old_record ?? {}, before: data.old_record }
}

function parse<Schema extends z.ZodMiniType>(schema: Schema, given: Row): z.output<Schema> {
  const result = schema.safeParse(presentMembers(given))
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => [path.join('.') || 'row', [message]])
  throw new GatewayError('invalid_request', { details: Object.fromEntries(problems) })
}

/**
 * Reads the user in a webhook.
 * @throws GatewayError invalid_request, missing_email
 */
export function readUser(body: Row): { user: SupabaseUser; isGone: boolean } {
  const { event, row } = readChange(body)
  const { id, email, email_confirmed_at, metadata, raw_user_meta_data } = parse(userRow(), row)
  const isGone = event === 'DELETE'
  if (!email && !isGone) throw new GatewayError('missing_email')
  const user_metadata = raw_user_meta_data ?? metadata
  return { user: { id, email, email_confirmed_at, user_metadata }, isGone }
}

/** Reads a key from a row. @throws GatewayError invalid_request */
export const keyOfRow = (given: Row): SyncedKey => parse(keyRow(), given)

/** Returns the meaning of a change: a deleted key is revoked, one with another hash rotated. */
function eventOf({ event, row, before }: RowChange): Row {
  if (event === undefined) return {}
  if (event === 'DELETE') return { event_type: 'REVOKE' }
  const isRotated = before?.key_hash !== undefined && before.key_hash !== row.key_hash
  return isRotated ? { event_type: 'ROTATE', old_key_hash: before.key_hash } : { event_type: event }
}

/** Reads the key in a webhook. @throws GatewayError invalid_request */
export function readKey(body: Row): SyncedKey {
  const said = readChange(body)
  return keyOfRow({ ...said.row, ...eventOf(said) })
}
