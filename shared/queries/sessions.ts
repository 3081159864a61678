import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import type { Personal } from '../personal.ts'
import { type Person, type PersonRow, type SessionFacts, type SessionRow, toPerson, toSession } from './person.ts'

type SignedInRow = { session: SessionRow | null; person: PersonRow | null }

export type SignedIn = { person: Person; session: SessionFacts }

/** The person and session behind a browser's handle; undefined when there is none or it is not live. One statement. */
export async function findSession(
  sql: postgres.Sql,
  personal: Personal,
  handle: { sessionId: string; hash: string },
): Promise<SignedIn | undefined> {
  const [row] = await atOnce(sql<{ found: SignedInRow | null }[]>`
    select auth_gateway.find_session(${handle.sessionId}, ${handle.hash}) as found`)
  return row?.found ? toSignedIn(personal, row.found) : undefined
}

/** Who is signed in, where a session was found, is live, and its person in good standing. */
export function toSignedIn(personal: Personal, { session, person }: SignedInRow): SignedIn | undefined {
  if (!session?.session_live || person?.identity_status !== 'active') return undefined
  return { person: toPerson(personal, person), session: toSession(session) }
}

export type SessionListing = {
  id: string
  uai: string
  platform: string
  origin: string | null
  wrapped_key: Uint8Array | null
  started_at: Date
  last_seen_at: Date | null
  expires_at: Date
}

/** A person's live sessions, newest first, at most 100. */
export async function listSessions(sql: postgres.Sql, { members }: Person): Promise<SessionListing[]> {
  return sql<SessionListing[]>`
    select s.id, s.uai, s.platform, s.origin, k.wrapped_key, s.started_at, a.last_seen_at, s.expires_at
    from auth_gateway.sessions s left join auth_gateway.session_activity a on a.session_id = s.id
    left join auth_gateway.subject_keys k on k.subject = s.uai
    where s.uai = any (${members}) and auth_gateway.session_is_live(s)
    order by s.started_at desc limit 100`
}

/** Notes that a session was seen. */
export async function touchSession(sql: postgres.Sql, sessionId: string): Promise<void> {
  await sql`select auth_gateway.touch_session(${sessionId})`
}

/** A person's live sessions that began through a connection. */
export async function listSessionsOfConnection(
  sql: postgres.Sql,
  { members }: Person,
  connectionId: string,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select s.id from auth_gateway.sessions s
    where s.uai = any (${members}) and s.connection_id = ${connectionId} and auth_gateway.session_is_live(s)`
  return rows.map(({ id }) => id)
}
