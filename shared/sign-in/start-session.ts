import { uuidv7 } from 'uuidv7'
import { begin, type SessionFacts, session } from '../domain/session.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'
import { CODE_SECRET_BYTES, newOpaqueToken } from '../tokens/opaque.ts'
import { sealUpstream } from './upstream-session.ts'

export type StartedSession = {
  id: string
  amr: string[]
  acr: string
  authenticatedAt: Date
  platform: string
  projectScope: string
  expiresAt: Date
  /** What the cookie holds. */
  handle: string
}

/**
 * Starts a session in a unit of work. Browsers get the session's times, programs (which refresh instead of being used) those of
 * refresh tokens.
 */
export function startSession(
  gateway: Gateway,
  work: Work,
  input: {
    person: Person
    client?: Client
    platform: string
    projectScope: string
    openedFrom?: string
    proof: Pick<SessionFacts, 'method' | 'amr' | 'acr' | 'provenBy'>
    authenticatedAt: Date
    /** The session whose proof this one rests on ends then, and so does this one. */
    notAfter?: Date
    /** The session at the provider that this one begins with. */
    upstream?: { slug: string; facts: UpstreamFacts }
    now: Date
  },
): StartedSession {
  const { config } = gateway
  const id = uuidv7()
  const { platform, projectScope, proof, now, authenticatedAt } = input
  const browser = platform === 'web'
  const idleSeconds = browser ? config.SESSION_IDLE_SECONDS : config.REFRESH_IDLE_SECONDS
  const lifeSeconds = browser ? config.SESSION_ABSOLUTE_SECONDS : config.REFRESH_ABSOLUTE_SECONDS
  const expiresAt = new Date(Math.min(now.getTime() + lifeSeconds * 1000, input.notAfter?.getTime() ?? Infinity))
  const { token: handle, hash } = newOpaqueToken(id, CODE_SECRET_BYTES)
  const facts = {
    uai: input.person.uai,
    openedFrom: input.openedFrom,
    clientId: input.client?.id,
    platform,
    projectScope,
    ...proof,
    authenticatedAt: authenticatedAt.toISOString(),
    handleHash: hash,
    idleSeconds,
    expiresAt: expiresAt.toISOString(),
  }
  const from = { expiresAt: input.notAfter?.toISOString() }
  const upstream = input.upstream && sealUpstream(gateway, id, input.upstream.slug, input.upstream.facts)
  work.start(session, id, { subject: input.person.uai }).decide(() => begin(facts, upstream, from))
  return { id, amr: proof.amr, acr: proof.acr, authenticatedAt, platform, projectScope, expiresAt, handle }
}
