import type { PersonPrincipal } from '../access/authenticate.ts'
import { strengthen } from '../domain/authentication.ts'
import { begin, recover, type Session, type SessionFacts, session, stepUp } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { SessionCookies } from '../http/cookies.ts'
import { newId } from '../ids.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'
import { CODE_SECRET_BYTES, hashToken, newOpaqueToken } from '../tokens/opaque.ts'
import { sealUpstream } from './upstream-session.ts'

const CLIENT_OF_PLATFORM: Record<string, string> = {
  cli: 'lanonasis-cli',
  web: 'lanonasis-api-dashboard',
  api: 'lanonasis-api-dashboard',
  mcp: 'lanonasis-mcp-cli',
}

export const PLATFORMS = ['cli', 'web', 'api', 'mcp'] as const

/** Returns the first-party client of a sign-in that names no client. */
export function clientOfPlatform(platform: string): string {
  return CLIENT_OF_PLATFORM[platform] ?? 'lanonasis-cli'
}

export type StartedSession = {
  id: string
  amr: string[]
  acr: string
  authenticatedAt: Date
  platform: string
  projectScope: string
  expiresAt: Date
  /** Opaque; the value of the session cookie. */
  handle: string
}

/** How a session is authenticated. */
export type Authentication = Pick<SessionFacts, 'method' | 'amr' | 'acr' | 'provenBy'>

/**
 * Starts a session in a unit of work. A browser's session has the lifetimes of sessions, a program's (refreshed instead of used) those of
 * refresh tokens. Only `complete.ts` calls this.
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
    authentication: Authentication
    authenticatedAt: Date
    /** When the session or assertion that this session derives from ends. */
    notAfter?: Date
    /** The provider's session that this session is based on. */
    upstream?: { slug: string; facts: UpstreamFacts }
    now: Date
  },
): StartedSession {
  const { config } = gateway
  const id = newId()
  const { platform, projectScope, authentication, now, authenticatedAt } = input
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
    ...authentication,
    authenticatedAt: authenticatedAt.toISOString(),
    handleHash: hash,
    idleSeconds,
    expiresAt: expiresAt.toISOString(),
  }
  const from = { expiresAt: input.notAfter?.toISOString() }
  const upstream = input.upstream && sealUpstream(gateway, id, input.upstream.slug, input.upstream.facts)
  work.start(session, id, aboutPerson(input.person)).decide(() => begin(facts, upstream, from))
  const { amr, acr } = authentication
  return { id, amr, acr, authenticatedAt, platform, projectScope, expiresAt, handle }
}

/** A factor that was proven in a session. */
export type ProvenFactor =
  | { method: 'totp' | 'recovery_code'; id: string }
  | { method: 'passkey'; id: string; amr: string[] }

function strengthened(state: Session, factor: ProvenFactor, at: { handleHash: string; now: Date }) {
  const { id } = factor
  switch (factor.method) {
    case 'totp':
      return stepUp(state, { ...at, provenBy: { type: 'totp_authenticator', id } })
    case 'passkey':
      return stepUp(state, { ...at, provenBy: { type: 'passkey', id }, passkeyAmr: factor.amr })
    case 'recovery_code':
      return recover(state, { ...at, provenBy: { type: 'recovery_codes', id } })
  }
}

/**
 * Adds a factor to the caller's browser session and replaces its handle.
 * @returns the cookies with the new handle, to be sent once the unit of work is recorded
 * @throws GatewayError session_invalid, another_proof_needed
 */
export async function strengthenSession(
  work: Work,
  { person, session: current }: PersonPrincipal,
  factor: ProvenFactor,
  now: Date,
): Promise<SessionCookies> {
  if (!current) throw new GatewayError('session_invalid')
  const { token: handle, hash: handleHash } = newOpaqueToken(current.id, CODE_SECRET_BYTES)
  const stream = await work.load(session, current.id, aboutPerson(person))
  stream.decide((state) => strengthened(state, factor, { handleHash, now }))
  return sessionCookies(person, { handle, expiresAt: current.expiresAt }, now)
}

/** Adds the second factor of a sign-in to the session that it starts, in the same unit of work. */
export async function strengthenStarted(
  work: Work,
  input: { person: Person; session: StartedSession; second: ProvenFactor; now: Date },
): Promise<StartedSession> {
  const { person, session: started, second, now } = input
  const stream = await work.load(session, started.id, aboutPerson(person))
  stream.decide((state) => strengthened(state, second, { handleHash: hashToken(started.handle), now }))
  if (second.method === 'recovery_code') return started
  return { ...started, ...strengthen(started, second.method === 'passkey' ? second.amr : undefined) }
}

/** Returns the cookies of a browser session. */
export const sessionCookies = (
  { uai, email, role, locale }: Person,
  { handle, expiresAt }: Pick<StartedSession, 'handle' | 'expiresAt'>,
  now: Date,
): SessionCookies => ({
  handle,
  user: { id: uai, email, role, locale },
  maxAge: Math.floor((expiresAt.getTime() - now.getTime()) / 1000),
})
