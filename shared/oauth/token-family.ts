import { uuidv7 } from 'uuidv7'
import { startFamily, type TokenFamily, type TokenFamilyEvent, tokenFamily } from '../domain/token-family.ts'
import type { Stream, Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import type { Family } from '../queries/token-families.ts'
import { newAccessTokenId, type TokenGrant } from './token-response.ts'

export type StartedFamily = {
  grant: TokenGrant
  jti: string
  refreshToken?: string
  refreshExpiresAt?: Date
  now: Date
}

/** When a refresh token that is used now ends: its idle time, inside the family's life. */
export function refreshExpiry({ config }: Gateway, familyExpiresAt: Date, now: Date): Date {
  return new Date(Math.min(now.getTime() + config.REFRESH_IDLE_SECONDS * 1000, familyExpiresAt.getTime()))
}

/**
 * Starts a family of tokens in a unit of work; `tokenResponse` then signs them.
 * @param options.offline the family outlives its session
 */
export function startTokenFamily(
  gateway: Gateway,
  work: Work,
  wanted: Omit<TokenGrant, 'familyId'>,
  options: { id?: string; authorizationId?: string; offline: boolean; now: Date },
): StartedFamily {
  const familyId = options.id ?? uuidv7()
  const { now, offline, authorizationId } = options
  const grant: TokenGrant = { ...wanted, familyId }
  const { client, person, session } = grant
  const jti = newAccessTokenId(familyId)
  const expiresAt = new Date(now.getTime() + gateway.config.REFRESH_ABSOLUTE_SECONDS * 1000)
  const refresh = client.metadata.grant_types.includes('refresh_token')
    ? gateway.refreshTokens.issue(familyId, 0)
    : undefined
  const refreshExpiresAt = refresh && refreshExpiry(gateway, expiresAt, now)
  work.start(tokenFamily, familyId, { subject: person.uai }).decide(() =>
    startFamily({
      kind: grant.kind,
      uai: person.uai,
      clientId: client.id,
      sessionId: session.id,
      authorizationId,
      scope: grant.scope,
      resources: grant.resources,
      offline,
      accessTokenId: jti,
      refreshHash: refresh?.hash,
      refreshExpiresAt: refreshExpiresAt?.toISOString(),
      expiresAt: expiresAt.toISOString(),
    }),
  )
  return { grant, jti, refreshToken: refresh?.token, refreshExpiresAt, now }
}

/** A family that was looked up, open for decisions of the person or service whose tokens it holds. */
export function resumeFamily(work: Work, family: Family): Stream<TokenFamily, TokenFamilyEvent> {
  const { id, person, client, session } = family
  if (person) work.knowKey(person.uai, person.wrappedKey)
  const by = { clientId: client.client_id, sessionId: session?.id }
  work.actor = person ? { type: 'person', id: person.uai, ...by } : { type: 'service', id: client.client_id, ...by }
  work.correlationId = id
  return work.resumeAt(tokenFamily, id, family, { subject: person?.uai })
}
