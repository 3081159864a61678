import type { Authority } from '../../domain/derivation.ts'
import { startFamily, type TokenFamily, type TokenFamilyEvent, tokenFamily } from '../../domain/token-family.ts'
import { GatewayError } from '../../errors.ts'
import { aboutPerson, type Stream, type Work } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import { newId } from '../../ids.ts'
import type { Family } from '../../queries/token-families.ts'
import { newAccessTokenId } from '../../tokens/jwt.ts'
import { accountScopesLast, scopeForPerson } from './scope.ts'
import {
  accessTokenSeconds,
  type DelegatedGrant,
  type PersonGrant,
  type ServiceGrant,
  type StartedFamily,
} from './token-response.ts'

/** Returns when a refresh token that is used now expires: after its idle time, but no later than the family. */
export function refreshExpiry({ config }: Gateway, familyExpiresAt: Date, now: Date): Date {
  return new Date(Math.min(now.getTime() + config.REFRESH_IDLE_SECONDS * 1000, familyExpiresAt.getTime()))
}

/**
 * Starts a token family in a unit of work, limited to scopes that the person may have; `tokenResponse` then signs the tokens.
 * @param options.offline the family outlives its session
 * @param options.withoutRefresh one access token that cannot be renewed
 * @param options.from the credential that they are derived from, if any
 * @throws GatewayError invalid_scope when none is left
 */
export function startTokenFamily(
  gateway: Gateway,
  work: Work,
  request: Omit<PersonGrant, 'familyId' | 'offline'>,
  options: {
    id?: string
    authorizationId?: string
    offline: boolean
    withoutRefresh?: boolean
    from?: Authority
    now: Date
  },
): StartedFamily {
  const familyId = options.id ?? newId()
  const { now, offline, authorizationId, withoutRefresh, from } = options
  const scope = accountScopesLast(scopeForPerson(request.client, request.person, request.scope))
  if (scope.length === 0) throw new GatewayError('invalid_scope', { reason: 'no scope that the person may have' })
  const grant: PersonGrant = { ...request, scope, familyId, offline }
  const { client, person, session } = grant
  const jti = newAccessTokenId(familyId)
  const mayRefresh = !withoutRefresh && client.metadata.grant_types.includes('refresh_token')
  const life = mayRefresh ? gateway.config.REFRESH_ABSOLUTE_SECONDS : accessTokenSeconds(gateway, client)
  const expiresAt = new Date(now.getTime() + life * 1000)
  const refresh = mayRefresh ? gateway.refreshTokens.issue(familyId, 0) : undefined
  const refreshExpiresAt = refresh && refreshExpiry(gateway, expiresAt, now)
  const facts = {
    kind: grant.kind,
    uai: person.uai,
    clientId: client.id,
    sessionId: session.id,
    authorizationId,
    confirmation: grant.confirmation,
    authentication: authenticationOf(session),
    scope: grant.scope,
    resources: grant.resources,
    offline,
    accessTokenId: jti,
    refreshHash: refresh?.hash,
    refreshExpiresAt: refreshExpiresAt?.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }
  work.start(tokenFamily, familyId, aboutPerson(person)).decide(() => startFamily(facts, from))
  return { grant, jti, refreshToken: refresh?.token, refreshExpiresAt, now }
}

const authenticationOf = ({ acr, amr, authenticatedAt }: PersonGrant['session']) => ({
  acr,
  amr,
  at: authenticatedAt.toISOString(),
})

/** Starts the tokens that a service gets in its own name: one access token, without a refresh token. */
export function startServiceFamily(
  gateway: Gateway,
  work: Work,
  request: Omit<ServiceGrant, 'familyId' | 'kind'>,
  now: Date,
): StartedFamily<ServiceGrant> {
  const familyId = newId()
  const grant: ServiceGrant = { ...request, kind: 'service', familyId, scope: accountScopesLast(request.scope) }
  const { client, scope, resources, confirmation } = grant
  const jti = newAccessTokenId(familyId)
  const expiresAt = new Date(now.getTime() + accessTokenSeconds(gateway, client) * 1000).toISOString()
  work.actor = { type: 'service', id: client.client_id, clientId: client.client_id }
  const token = { scope, resources, confirmation, offline: true, accessTokenId: jti, expiresAt }
  work.start(tokenFamily, familyId, {}).decide(() => startFamily({ kind: 'service', clientId: client.id, ...token }))
  return { grant, jti, now }
}

/** What a service's tokens for a person are derived from and end with. */
export type Descent = {
  /** The scopes that it allows. */
  allows: Authority
  sessionId?: string
  apiKey?: { id: string; rotations: number }
  agentDelegation?: string
  offline: boolean
  ancestors: string[]
  ancestorTokens: string[]
  until: Date
}

/** Starts the tokens with which a service acts for a person (RFC 8693). */
export function startDelegatedFamily(
  work: Work,
  request: Omit<DelegatedGrant, 'familyId' | 'kind'>,
  from: Descent,
  now: Date,
): StartedFamily<DelegatedGrant> {
  const familyId = newId()
  const grant: DelegatedGrant = { ...request, kind: 'delegated', familyId, scope: accountScopesLast(request.scope) }
  const { client, person, session, scope, resources, confirmation, actor } = grant
  const jti = newAccessTokenId(familyId)
  const { until, allows, ...descent } = from
  const type = from.agentDelegation ? 'agent' : 'service'
  work.actor = { type, id: client.client_id, clientId: client.client_id, sessionId: from.sessionId }
  const owner = { kind: 'delegated' as const, uai: person.uai, clientId: client.id, actor, ...descent }
  const authentication = session && authenticationOf(session)
  const token = { scope, resources, confirmation, authentication, accessTokenId: jti, expiresAt: until.toISOString() }
  work.start(tokenFamily, familyId, aboutPerson(person)).decide(() => startFamily({ ...owner, ...token }, allows))
  return { grant, jti, until, now }
}

/** Resumes the stream of a loaded family, for decisions of its person or service. */
export function resumeFamily(work: Work, family: Family): Stream<TokenFamily, TokenFamilyEvent> {
  const { id, person, client, session } = family
  const by = { clientId: client.client_id, sessionId: session?.id }
  work.actor =
    family.kind === 'authorization' || family.kind === 'session'
      ? { type: 'person', id: family.person.uai, ...by }
      : { type: 'service', id: client.client_id, ...by }
  work.correlationId = id
  return work.resume(tokenFamily, id, family, person ? aboutPerson(person) : {})
}
