import { createHash } from 'node:crypto'
import { isPairwise, sessionNameFor, subjectOf } from '../../access/subject.ts'
import type { ActorClaim } from '../../domain/delegation.ts'
import { type Authority, exceeds } from '../../domain/derivation.ts'
import { authorityOf } from '../../domain/token-family.ts'
import { GatewayError } from '../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import type { Client } from '../../queries/api-clients.ts'
import type { SupabaseResource } from '../../queries/authorizations.ts'
import type { Person, SessionFacts } from '../../queries/person.ts'
import type { Confirmation } from '../../queries/token-families.ts'
import { SUPABASE_TOKEN_SECONDS } from '../../tokens/keys.ts'
import { supabaseClaims } from './supabase-claims.ts'

/** What all tokens of a grant have in common. */
export type GrantFacts = {
  familyId: string
  client: Client
  scope: string[]
  resources: string[]
  confirmation?: Confirmation
}

type SignIn = Pick<SessionFacts, 'id' | 'amr' | 'acr' | 'authenticatedAt' | 'platform' | 'projectScope' | 'expiresAt'>

export type PersonGrant = GrantFacts & {
  kind: 'authorization' | 'session'
  person: Person
  session: SignIn
  /** The Supabase project that the tokens are for, if any. */
  supabase?: SupabaseResource
  /** The tokens outlive the session. */
  offline: boolean
  nonce?: string
}
export type DelegatedGrant = GrantFacts & { kind: 'delegated'; person: Person; session?: SignIn; actor: ActorClaim }
export type ServiceGrant = GrantFacts & { kind: 'service'; person?: undefined; session?: undefined }
export type TokenGrant = PersonGrant | DelegatedGrant | ServiceGrant

/** A grant whose tokens can now be signed. */
export type StartedFamily<Grant extends TokenGrant = PersonGrant> = {
  grant: Grant
  jti: string
  refreshToken?: string
  refreshExpiresAt?: Date
  /** When the access token ends, if earlier than usual. */
  until?: Date
  /** The tokens that these renew, if any. */
  from?: Authority
  now: Date
}

export type TokenResponse = {
  token_type: 'Bearer' | 'DPoP'
  access_token: string
  expires_in: number
  refresh_token?: string
  refresh_expires_in?: number
  id_token?: string
  scope: string
}

export function accessTokenSeconds({ config }: Gateway, client: Client): number {
  return client.metadata.access_token_seconds ?? config.ACCESS_TOKEN_SECONDS
}

const seconds = (at: Date) => Math.floor(at.getTime() / 1000)

/** Claims about a person in first-party tokens (docs/wire-contract.md 3.2). */
function firstPartyClaims({ client, person, session }: TokenGrant) {
  if (!client.first_party || !person) return {}
  const { email, role, plan, organizationId } = person
  return {
    ...(email && { email }),
    role,
    plan,
    organization_id: organizationId,
    platform: session?.platform ?? 'api',
    ...(session && { project_scope: session.projectScope }),
  }
}

/**
 * Returns the audience of a token: exactly the granted resources. The account API is combined with others only for clients that have
 * everyday access to it now.
 */
function audienceOf({ issuer }: Gateway, { client, resources }: TokenGrant): string[] {
  const isShared = resources.length > 1 && client.account_access !== 'everyday'
  return isShared ? resources.filter((one) => one !== issuer) : resources
}

/** The Supabase project that a grant is for. Only grants of people who signed in can be. */
const supabaseOf = (grant: TokenGrant) => (grant.kind === 'authorization' ? grant.supabase : undefined)

/** Returns when an access token that is signed now expires: after its usual lifetime, but no later than its session. */
function endOfAccessToken(gateway: Gateway, { grant, now, until }: StartedFamily<TokenGrant>): Date {
  const lifetime = accessTokenSeconds(gateway, grant.client)
  const atMost = supabaseOf(grant) ? Math.min(lifetime, SUPABASE_TOKEN_SECONDS) : lifetime
  const usual = new Date(now.getTime() + atMost * 1000)
  const isBound = (grant.kind === 'authorization' || grant.kind === 'session') && !grant.offline
  const ends = [usual, until ?? usual, isBound ? grant.session.expiresAt : usual]
  return new Date(Math.min(...ends.map(Number)))
}

/**
 * Signs an access token in the JWT profile (RFC 9068 section 2.2). Only first-party tokens have claims about the person other than the
 * identifier. A service's own token has its client id as `sub` and `sub_type: "client"`, so that no resource server mistakes it for a
 * person's (RFC 9068 section 5).
 */
async function signAccessToken(
  gateway: Gateway,
  grant: TokenGrant,
  { jti, now, expiresAt }: { jti: string; now: Date; expiresAt: Date },
): Promise<string> {
  const { kind, client, person, session, scope, confirmation } = grant
  const times = { iat: seconds(now), exp: seconds(expiresAt) }
  if (kind === 'authorization' && grant.supabase) {
    const { id, identifier: aud } = grant.supabase
    return gateway.jwts.supabaseToken(
      { ...(await supabaseClaims(gateway, grant, grant.supabase)), ...times, aud, jti },
      id,
    )
  }
  const legacy = legacyToken(gateway, grant)
  const audience = legacy ? [legacy.resource] : audienceOf(gateway, grant)
  const claims = {
    sub: person ? subjectOf(gateway, client, person) : client.client_id,
    aud: audience.length === 1 ? audience[0] : audience,
    ...times,
    jti,
    client_id: client.client_id,
    scope: scope.join(' '),
    ...(person ? !isPairwise(client) && { uai: person.uai } : { sub_type: 'client' }),
    ...(session && {
      sid: sessionNameFor(gateway, client, session.id),
      auth_time: seconds(session.authenticatedAt),
      acr: session.acr,
      amr: session.amr,
    }),
    ...(confirmation && { cnf: confirmation }),
    ...(kind === 'delegated' && { act: grant.actor }),
    ...firstPartyClaims(grant),
  }
  return legacy ? gateway.jwts.legacyAccessToken(claims, legacy.secret) : gateway.jwts.accessToken(claims)
}

/**
 * Returns the resource server that cannot verify our keys yet, and its shared secret, for tokens of listed clients that have no other
 * resource. The account API does not accept such a token.
 */
function legacyToken({ config, issuer }: Gateway, { client, resources }: TokenGrant) {
  const resource = config.LEGACY_TOKEN_CLIENTS[client.client_id]
  const secret = config.LEGACY_TOKEN_SECRET
  const others = resources.filter((one) => one !== issuer)
  return secret && resource && others.length === 1 && others[0] === resource ? { resource, secret } : undefined
}

/** Returns the claims about a person that the scopes allow (OpenID Connect Core section 5.4). */
export function scopeClaims(person: Person, scope: string[]): Record<string, unknown> {
  return {
    ...(scope.includes('email') && person.email && { email: person.email, email_verified: person.emailVerified }),
    ...(scope.includes('profile') && {
      ...(person.name && { name: person.name }),
      ...(person.locale && { locale: person.locale }),
      updated_at: seconds(person.createdAt),
    }),
  }
}

async function signIdToken(gateway: Gateway, grant: PersonGrant, accessToken: string, now: Date): Promise<string> {
  const { client, person, session, scope, nonce } = grant
  return gateway.jwts.idToken({
    sub: subjectOf(gateway, client, person),
    aud: client.client_id,
    iat: seconds(now),
    exp: seconds(now) + gateway.config.ACCESS_TOKEN_SECONDS,
    auth_time: seconds(session.authenticatedAt),
    acr: session.acr,
    amr: session.amr,
    sid: sessionNameFor(gateway, client, session.id),
    at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
    ...(nonce !== undefined && { nonce }),
    ...scopeClaims(person, scope),
  })
}

/**
 * Builds a token response (OAuth 2.1 section 3.2.3, OpenID Connect Core section 3.1.3.3).
 * @throws GatewayError derivation_exceeded
 */
export async function tokenResponse(gateway: Gateway, family: StartedFamily<TokenGrant>): Promise<TokenResponse> {
  const { grant, jti, now, refreshToken, refreshExpiresAt } = family
  const expiresAt = endOfAccessToken(gateway, family)
  const made = authorityOf({ ...grant, expiresAt: expiresAt.toISOString() })
  if (exceeds(made, family.from ?? {}).length > 0) throw new GatewayError('derivation_exceeded')
  const accessToken = await signAccessToken(gateway, grant, { jti, now, expiresAt })
  return {
    token_type: grant.confirmation?.jkt ? 'DPoP' : 'Bearer',
    access_token: accessToken,
    expires_in: seconds(expiresAt) - seconds(now),
    ...(refreshToken && {
      refresh_token: refreshToken,
      refresh_expires_in: refreshExpiresAt ? seconds(refreshExpiresAt) - seconds(now) : undefined,
    }),
    ...(grant.kind === 'authorization' &&
      grant.scope.includes('openid') && { id_token: await signIdToken(gateway, grant, accessToken, now) }),
    scope: grant.scope.join(' '),
  }
}
