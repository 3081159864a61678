import { createHash } from 'node:crypto'
import type { Gateway } from '../gateway.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'
import { newOpaqueToken, streamOfToken, TOKEN_ID_SECRET_BYTES } from '../tokens/opaque.ts'

/** Whom and what tokens are made for. */
export type TokenGrant = {
  familyId: string
  kind: 'authorization' | 'session'
  client: Client
  person: Person
  session: { id: string; amr: string[]; acr: string; authenticatedAt: Date; platform: string; projectScope: string }
  scope: string[]
  resources: string[]
  nonce?: string
}

export type TokenResponse = {
  token_type: 'Bearer'
  access_token: string
  expires_in: number
  refresh_token?: string
  refresh_expires_in?: number
  id_token?: string
  scope: string
}

/** A token id (`jti`) that tells which family the token is of. */
export function newAccessTokenId(familyId: string): string {
  return newOpaqueToken(familyId, TOKEN_ID_SECRET_BYTES).token
}

/** The family an access token is of, from its `jti`. */
export function familyOfAccessToken(jti: string): string | undefined {
  return streamOfToken(jti, TOKEN_ID_SECRET_BYTES)
}

export function accessTokenSeconds({ config }: Gateway, client: Client): number {
  return client.metadata.access_token_seconds ?? config.ACCESS_TOKEN_SECONDS
}

const seconds = (at: Date) => Math.floor(at.getTime() / 1000)

/**
 * An access token in the JWT profile (RFC 9068 section 2.2). First-party tokens, and those with `openid`, are for the gateway's
 * own endpoints too; only first-party ones say more of the person than the identifier.
 */
export async function signAccessToken(gateway: Gateway, grant: TokenGrant, jti: string, now: Date): Promise<string> {
  const { client, person, session, scope } = grant
  const own = client.first_party || scope.includes('openid') ? [gateway.issuer] : []
  const audience = [...grant.resources, ...own]
  const firstParty = client.first_party
    ? {
        email: person.email,
        role: person.role,
        plan: person.plan,
        organization_id: person.organizationId,
        platform: session.platform,
        project_scope: session.projectScope,
      }
    : {}
  return gateway.jwts.accessToken({
    sub: person.uai,
    aud: audience.length === 1 ? audience[0] : audience,
    iat: seconds(now),
    exp: seconds(now) + accessTokenSeconds(gateway, client),
    jti,
    client_id: client.client_id,
    scope: scope.join(' '),
    sid: session.id,
    auth_time: seconds(session.authenticatedAt),
    acr: session.acr,
    amr: session.amr,
    uai: person.uai,
    ...firstParty,
  })
}

/** What the granted scopes say of a person (OpenID Connect Core section 5.4). */
export function scopeClaims(person: Person, scope: string[]): Record<string, unknown> {
  return {
    ...(scope.includes('email') && { email: person.email, email_verified: person.emailVerified }),
    ...(scope.includes('profile') && {
      ...(person.name && { name: person.name }),
      ...(person.locale && { locale: person.locale }),
      updated_at: seconds(person.createdAt),
    }),
  }
}

async function signIdToken(gateway: Gateway, grant: TokenGrant, accessToken: string, now: Date): Promise<string> {
  const { client, person, session, scope, nonce } = grant
  return gateway.jwts.idToken({
    sub: person.uai,
    aud: client.client_id,
    iat: seconds(now),
    exp: seconds(now) + gateway.config.ACCESS_TOKEN_SECONDS,
    auth_time: seconds(session.authenticatedAt),
    acr: session.acr,
    amr: session.amr,
    sid: session.id,
    at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
    ...(nonce !== undefined && { nonce }),
    ...scopeClaims(person, scope),
  })
}

/** The answer of the token endpoint (OAuth 2.1 section 3.2.3, OpenID Connect Core section 3.1.3.3). */
export async function tokenResponse(
  gateway: Gateway,
  grant: TokenGrant,
  issued: { jti: string; refreshToken?: string; refreshExpiresAt?: Date; now: Date },
): Promise<TokenResponse> {
  const accessToken = await signAccessToken(gateway, grant, issued.jti, issued.now)
  return {
    token_type: 'Bearer',
    access_token: accessToken,
    expires_in: accessTokenSeconds(gateway, grant.client),
    ...(issued.refreshToken && {
      refresh_token: issued.refreshToken,
      refresh_expires_in: issued.refreshExpiresAt ? seconds(issued.refreshExpiresAt) - seconds(issued.now) : undefined,
    }),
    ...(grant.scope.includes('openid') &&
      grant.kind === 'authorization' && { id_token: await signIdToken(gateway, grant, accessToken, issued.now) }),
    scope: grant.scope.join(' '),
  }
}
