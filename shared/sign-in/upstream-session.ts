import type { UpstreamSession } from '../domain/session.ts'
import type { Gateway } from '../gateway.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import { findUpstream } from '../queries/sessions.ts'

/** A longer hint would not fit into the sign-out URL. */
const MOST_HINT = 6000

const named = (slug: string, value: string) => `${slug.toLowerCase()}\n${value}`

/** Seals the provider's session for storage with the session that is based on it. */
export function sealUpstream(
  { ring }: Gateway,
  sessionId: string,
  slug: string,
  { idToken, ...facts }: UpstreamFacts,
): UpstreamSession {
  const hint = idToken && idToken.length <= MOST_HINT ? idToken : undefined
  const { account, session } = facts
  return {
    lookups: { account: named(slug, account), session: session && named(slug, session) },
    sealed: ring.seal('upstream-session', Buffer.from(JSON.stringify({ ...facts, idToken: hint })), sessionId),
  }
}

/** Returns the provider's session that a session is based on; undefined if none is stored. */
export async function openUpstream({ reads, ring }: Gateway, sessionId: string): Promise<UpstreamFacts | undefined> {
  const sealed = await findUpstream(reads, sessionId)
  return sealed ? JSON.parse(ring.open('upstream-session', sealed, sessionId).toString()) : undefined
}

/** Returns the digests that find sessions when their provider ends them. */
export const upstreamDigests = (
  { personal }: Gateway,
  slug: string,
  { account, sessions = [] }: { account?: string; sessions?: string[] },
) => ({
  account: account === undefined ? undefined : personal.digest(named(slug, account)),
  sessions: sessions.map((one) => personal.digest(named(slug, one))),
})
