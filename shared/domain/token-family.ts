import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'
import type { ActorClaim } from './delegation.ts'
import { type Authority, exceeds } from './derivation.ts'

/** Grace window in seconds after a rotation, in which a repeated request with the old token gets the same response. */
export const GRACE_SECONDS = 30

export type FamilyRevocation = 'client' | 'replay' | 'logout' | 'person' | 'operator'

export type TokenFamilyFacts = {
  /** An authorization's tokens, the pair of a direct sign-in, a service's for a person (RFC 8693), or a service's own. */
  kind: 'authorization' | 'session' | 'delegated' | 'service'
  uai?: string
  clientId: string
  sessionId?: string
  authorizationId?: string
  /** The API key it was derived from, and that key's number of rotations at the time. */
  apiKey?: { id: string; rotations: number }
  /** The agent delegation that it is based on. */
  agentDelegation?: string
  /** What the tokens are bound to (RFC 7800). */
  confirmation?: { jkt?: string; 'x5t#S256'?: string }
  /** Who acts for the subject (RFC 8693 section 4.1). */
  actor?: ActorClaim
  /** The families and access tokens it was derived from: it is valid only while all of them are. */
  ancestors?: string[]
  ancestorTokens?: string[]
  /** The person's authentication at the time of consent (RFC 9068 section 2.2.1). */
  authentication?: { acr: string; amr: string[]; at: string }
  scope: string[]
  resources: string[]
  /** Outlives its session. */
  offline: boolean
  accessTokenId: string
  refreshHash?: string
  refreshExpiresAt?: string
  expiresAt: string
}

export type TokenFamilyEvent =
  | { type: 'TokenFamilyStarted'; data: TokenFamilyFacts }
  | {
      type: 'RefreshTokenRotated'
      data: {
        generation: number
        refreshHash: string
        previousHash: string
        rotatedAt: string
        refreshExpiresAt: string
        accessTokenId: string
      }
      secrets: { name: 'answer'; sealed: Uint8Array; expiresAt: Date }[]
    }
  | { type: 'RefreshTokenReplayed'; data: { generation: number } }
  | { type: 'AccessTokenRevoked'; data: { jti: string; expiresAt: string } }
  /** `why` is the reason that an operator gave, or `disowned`. */
  | { type: 'TokenFamilyRevoked'; data: { reason: FamilyRevocation; why?: string } }

export type TokenFamily =
  | { status: 'none' }
  | { status: 'revoked' }
  | {
      status: 'active'
      clientId: string
      generation: number
      refreshHash?: string
      previousHash?: string
      rotatedAt?: Date
      refreshExpiresAt?: Date
      expiresAt: Date
    }

export const tokenFamily: Aggregate<TokenFamily, TokenFamilyEvent> = {
  type: 'token_family',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'TokenFamilyStarted': {
        const { clientId, refreshHash, refreshExpiresAt, expiresAt } = event.data
        return {
          status: 'active',
          clientId,
          generation: 0,
          refreshHash,
          refreshExpiresAt: refreshExpiresAt ? new Date(refreshExpiresAt) : undefined,
          expiresAt: new Date(expiresAt),
        }
      }
      case 'RefreshTokenRotated': {
        if (state.status !== 'active') return state
        const { generation, refreshHash, previousHash, rotatedAt, refreshExpiresAt } = event.data
        return {
          ...state,
          generation,
          refreshHash,
          previousHash,
          rotatedAt: new Date(rotatedAt),
          refreshExpiresAt: new Date(refreshExpiresAt),
        }
      }
      case 'TokenFamilyRevoked':
        return { status: 'revoked' }
      case 'RefreshTokenReplayed':
      case 'AccessTokenRevoked':
        return state
    }
  },
}

/** The authority of tokens, for comparison by the rules of derivation. */
export function authorityOf({
  scope,
  resources,
  confirmation,
  expiresAt,
}: Pick<TokenFamilyFacts, 'scope' | 'resources' | 'confirmation' | 'expiresAt'>): Authority {
  return { scopes: scope, resources, expiresAt, bound: confirmation !== undefined }
}

/** @param from the credential that the tokens are derived from, if any: they are never wider, looser or longer-lived */
export function startFamily(facts: TokenFamilyFacts, from: Authority = {}): Decision<TokenFamilyEvent> {
  if (exceeds(authorityOf(facts), from).length > 0) return refuse('derivation_exceeded')
  return record({ type: 'TokenFamilyStarted', data: facts })
}

/** Whether a presented refresh token is the one just rotated, within the grace window (docs/security-rules.md A31). */
export function isGraceReplay(state: TokenFamily, input: { presentedHash: string; now: Date }): boolean {
  return (
    state.status === 'active' &&
    state.previousHash === input.presentedHash &&
    state.rotatedAt !== undefined &&
    input.now.getTime() - state.rotatedAt.getTime() <= GRACE_SECONDS * 1000
  )
}

/**
 * Rotates the refresh token. A genuine but older token is a replay: it is recorded and the family is revoked
 * (OAuth 2.1 section 4.3.1).
 * @param input.generation generation of the presented token, which has been authenticated
 */
export function rotate(
  state: TokenFamily,
  input: {
    presentedHash: string
    generation: number
    refreshHash: string
    refreshExpiresAt: Date
    accessTokenId: string
    answer: Uint8Array
    now: Date
  },
): Decision<TokenFamilyEvent> {
  if (state.status !== 'active') return refuse('invalid_grant')
  const { presentedHash, generation, refreshHash, accessTokenId, answer, now } = input
  if (state.refreshHash !== presentedHash) {
    if (generation >= state.generation) return refuse('invalid_grant')
    const replayed: TokenFamilyEvent = { type: 'RefreshTokenReplayed', data: { generation } }
    return refuse('invalid_grant', replayed, { type: 'TokenFamilyRevoked', data: { reason: 'replay' } })
  }
  if (state.expiresAt <= now || !state.refreshExpiresAt || state.refreshExpiresAt <= now) return refuse('invalid_grant')
  return record({
    type: 'RefreshTokenRotated',
    data: {
      generation: state.generation + 1,
      refreshHash,
      previousHash: presentedHash,
      rotatedAt: now.toISOString(),
      refreshExpiresAt: input.refreshExpiresAt.toISOString(),
      accessTokenId,
    },
    secrets: [{ name: 'answer', sealed: answer, expiresAt: new Date(now.getTime() + GRACE_SECONDS * 1000) }],
  })
}

export function revokeFamily(state: TokenFamily, reason: FamilyRevocation, why?: string): Decision<TokenFamilyEvent> {
  const data = { reason, ...(why && { why }) }
  return { events: state.status === 'active' ? [{ type: 'TokenFamilyRevoked', data }] : [] }
}

export function revokeAccessToken(
  state: TokenFamily,
  input: { jti: string; expiresAt: Date },
): Decision<TokenFamilyEvent> {
  if (state.status !== 'active') return { events: [] }
  return record({ type: 'AccessTokenRevoked', data: { jti: input.jti, expiresAt: input.expiresAt.toISOString() } })
}
