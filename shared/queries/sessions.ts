import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import { ACR } from '../domain/authentication.ts'
import type { Personal } from '../personal.ts'
import { type Person, type PersonRow, type SessionFacts, type SessionRow, toPerson, toSession } from './person.ts'

type SignedInRow = { session: SessionRow | null; person: PersonRow | null }

export type SignedIn = { person: Person; session: SessionFacts }

/** The person and active session of a browser's handle, if any. One statement. */
export async function findSession(
  sql: postgres.Sql,
  personal: Personal,
  handle: { sessionId: string; hash: string },
): Promise<SignedIn | undefined> {
  const [row] = await atOnce(sql<{ found: SignedInRow | null }[]>`
    select auth_gateway.find_session(${handle.sessionId}, ${handle.hash}) as found`)
  return row?.found ? toSignedIn(personal, row.found) : undefined
}

/** The signed-in person, if the session is active and the person is too. */
export function toSignedIn(personal: Personal, { session, person }: SignedInRow): SignedIn | undefined {
  if (!session?.session_live || person?.identity_status !== 'active') return undefined
  return { person: toPerson(personal, person), session: toSession(session) }
}

/**
 * Whether a browser's handle is permanently invalid. Not so if a newer handle of the session, or a newer sign-in in the same browser,
 * replaced it: the newer cookie may already be in flight and must not be cleared.
 */
export async function isDeadSession(sql: postgres.Sql, sessionId: string): Promise<boolean> {
  const [row] = await sql<{ spare: boolean }[]>`
    select auth_gateway.session_is_live(s) or s.end_reason is not distinct from 'replaced' as spare
    from auth_gateway.sessions s where s.id = ${sessionId}`
  return !row?.spare
}

export type SessionListing = {
  id: string
  uai: string
  platform: string
  origin: string | null
  wrapped_key: Uint8Array | null
  /** The application that the person signed in to, if the session names one. */
  client_name: string | null
  started_at: Date
  last_seen_at: Date | null
  expires_at: Date
}

/** A person's active sessions, newest first, at most 100. */
export async function listSessions(sql: postgres.Sql, { members }: Person): Promise<SessionListing[]> {
  return sql<SessionListing[]>`
    select s.id, s.uai, s.platform, s.origin, k.wrapped_key, c.metadata->>'client_name' as client_name,
      s.started_at, a.last_seen_at, s.expires_at
    from auth_gateway.sessions s left join auth_gateway.api_clients c on c.id = s.client_id
    left join auth_gateway.session_activity a on a.session_id = s.id
    left join auth_gateway.subject_keys k on k.subject = s.uai
    where s.uai = any (${members}) and auth_gateway.session_is_live(s)
    order by s.started_at desc limit 100`
}

/** Updates the last activity of a session. */
export async function touchSession(sql: postgres.Sql, sessionId: string): Promise<void> {
  await sql`select auth_gateway.touch_session(${sessionId})`
}

type SessionOfConnection = { id: string; uai: string; wrappedKey: Uint8Array | null }

/**
 * The active sessions that began through a connection with this upstream account, one of these upstream sessions, or both. A session
 * of the account without a known upstream session is included.
 * @param digests lookup digests of upstream accounts and sessions
 */
export function listSessionsOfConnection(
  sql: postgres.Sql,
  connectionId: string,
  { account, sessions }: { account: Buffer | undefined; sessions: Buffer[] },
): Promise<SessionOfConnection[]> {
  const found = (kind: string, digests: Buffer[]) => sql`
    select d.stream_id from auth_gateway.lookup_digests d where d.kind = ${kind} and d.digest in ${sql(digests)}`
  const ofAccount = account && found('upstream_account', [account])
  const ofSessions = sessions.length > 0 ? found('upstream_session', sessions) : undefined
  if (!ofAccount && !ofSessions) return Promise.resolve([])
  const unknown = sql`not exists (select from auth_gateway.lookup_digests d
    where d.subject = s.uai and d.stream_id = s.id and d.kind = 'upstream_session')`
  return sql<SessionOfConnection[]>`
    select s.id, s.uai, k.wrapped_key as "wrappedKey" from auth_gateway.sessions s
    left join auth_gateway.subject_keys k on k.subject = s.uai
    where s.connection_id = ${connectionId} and auth_gateway.session_is_live(s)
      ${ofAccount ? sql`and s.id in (${ofAccount})` : sql``}
      ${ofSessions ? sql`and (s.id in (${ofSessions}) ${ofAccount ? sql`or ${unknown}` : sql``})` : sql``}
    order by s.id`.then((rows) => [...rows])
}

/** The sealed upstream session that a session began with. */
export async function findUpstream(sql: postgres.Sql, sessionId: string): Promise<Uint8Array | undefined> {
  const [row] = await sql<{ sealed: Uint8Array }[]>`
    select s.sealed from auth_gateway.event_secrets s
    where s.stream_id = ${sessionId} and s.name = 'upstream' and s.expires_at > now()`
  return row?.sealed
}

/** A person's active sessions with more than one factor; those that were opened from others come last. */
export async function listStrongSessions(
  sql: postgres.Sql,
  { members }: Pick<Person, 'members'>,
): Promise<{ id: string; uai: string; openedFrom: string | null }[]> {
  return sql<{ id: string; uai: string; openedFrom: string | null }[]>`
    select s.id, s.uai, s.opened_from as "openedFrom" from auth_gateway.sessions s
    where s.uai = any (${members}) and s.ended_at is null and s.expires_at > now()
      and s.acr in (${ACR.multiFactor}, ${ACR.phishingResistant})
    order by s.opened_from nulls first, s.id`
}
