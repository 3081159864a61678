import type postgres from 'postgres'
import { NOTICE_INTERVAL_MS } from '../domain/sign-in-place.ts'
import type { Personal } from '../personal.ts'
import type { Person } from './person.ts'

/** What is known of a person before a sign-in or a use of their session. */
export type SignInChecks = {
  /** The second factors that they have; a passkey with a regressed counter does not count. */
  totp: boolean
  passkey: boolean
  /** Whether the place has been seen, whether any has, and whether the person was notified of one within a day. */
  known: boolean
  any: boolean
  noticed: boolean
}

/**
 * Returns which second factors a person has, and whether a place is new to them. One statement.
 * @param input.digests keyed digests of the place for each of the person's UAIs; without any, the place counts as known
 */
export async function findSignInChecks(
  sql: postgres.Sql,
  { members }: Pick<Person, 'members'>,
  { digests, now }: { digests: Buffer[]; now: Date },
): Promise<SignInChecks> {
  const isKnown =
    digests.length > 0
      ? sql`exists (select from auth_gateway.sign_in_places s where s.digest in ${sql(digests)})`
      : sql`true`
  const since = new Date(now.getTime() - NOTICE_INTERVAL_MS)
  const [row] = await sql<SignInChecks[]>`
    select exists (select from auth_gateway.totp_authenticators t where t.uai = any (${members}) and t.secret_event is not null) as totp,
      exists (select from auth_gateway.passkeys p where p.uai = any (${members}) and p.sealed is not null and p.regressed_at is null)
        as passkey,
      ${isKnown} as known,
      exists (select from auth_gateway.sign_in_places s where s.uai = any (${members})) as any,
      exists (select from auth_gateway.sign_in_places s where s.uai = any (${members}) and s.noticed_at > ${since}) as noticed`
  if (!row) throw new Error('lookup returned no row')
  return row
}

/** A noticed place, with what its notice said. */
export type NoticedPlace = {
  id: string
  uai: string
  sessionId: string
  browser?: string
  network?: string
  noticedAt: Date
  disowned: boolean
  version: number
}

/** The place whose notice has a link with this token, while the link works and the person exists. */
export async function findNoticedPlace(
  sql: postgres.Sql,
  personal: Personal,
  { id, linkHash }: { id: string; linkHash: string },
): Promise<NoticedPlace | undefined> {
  const [row] = await sql`
    select s.*, k.wrapped_key from auth_gateway.sign_in_places s join auth_gateway.subject_keys k on k.subject = s.uai
    where s.id = ${id} and s.link_hash = ${linkHash} and s.link_expires_at > now()`
  if (!row) return undefined
  const open = personal.opener(row.uai, row.wrapped_key)
  return {
    id: row.id,
    uai: row.uai,
    sessionId: row.session_id,
    browser: open(row.browser),
    network: open(row.network),
    noticedAt: row.noticed_at,
    disowned: row.disowned_at !== null,
    version: row.version,
  }
}

/** Changes of a person's account that outlast the session in which they were made. */
const LASTING_CHANGES = [
  'CredentialLinked',
  'CredentialUnlinked',
  'IdentityMerged',
  'IdentityAbsorbed',
  'IdentitySplit',
  'TotpEnrolled',
  'TotpRemoved',
  'PasskeyRegistered',
  'PasskeyRemoved',
  'RecoveryCodesIssued',
  'IdentityChanged',
  'ConsentGranted',
] as const
export type LastingChange = (typeof LASTING_CHANGES)[number]

/** The lasting changes of people that were made in some sessions, oldest first, at most 200. */
export function listLastingChanges(
  sql: postgres.Sql,
  { sessions, members }: { sessions: string[]; members: string[] },
): Promise<{ type: LastingChange; at: Date }[]> {
  return sql<{ type: LastingChange; at: Date }[]>`
    select e.event_type as type, e.recorded_at as at from auth_gateway.event_store e
    where e.metadata->>'sessionId' = any (${sessions}) and e.subject = any (${members}::uuid[])
      and e.event_type = any (${[...LASTING_CHANGES]})
    order by e.position limit 200`.then((rows) => [...rows])
}

/** A person's active sessions that began after a time. */
export async function listSessionsSince(sql: postgres.Sql, members: string[], since: Date): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select s.id from auth_gateway.sessions s
    where s.uai = any (${members}) and s.started_at >= ${since} and s.ended_at is null and s.expires_at > now() order by s.id`
  return rows.map(({ id }) => id)
}
