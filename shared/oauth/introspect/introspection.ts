import { checkApiKey } from '../../access/check-api-key.ts'
import { projectScope } from '../../access/project-scope.ts'
import { isPairwise, sessionNameFor, subjectOf } from '../../access/subject.ts'
import type { Call } from '../../call.ts'
import { GatewayError } from '../../errors.ts'
import type { RateLimit } from '../../events/store.ts'
import type { Gateway } from '../../gateway.ts'
import type { Client } from '../../queries/api-clients.ts'
import { type Confirmation, type Family, findFamily } from '../../queries/token-families.ts'
import { readAccessTokenId } from '../../tokens/jwt.ts'

export type LiveToken = {
  kind: 'access' | 'refresh'
  family: Family
  scope: string
  audience: string[]
  issuedAt: number
  expiresAt: number
  jti?: string
  /** The family that is revoked with it. */
  revocationId?: string
  confirmation?: Confirmation
}

/**
 * Finds the active token of a string and the calling client, in one statement.
 * @param input.anyGeneration also finds a refresh token that was rotated since, for the revocation of its family
 */
export async function findToken(
  gateway: Gateway,
  token: string,
  input: { clientId?: string; limits?: RateLimit[]; anyGeneration?: boolean },
): Promise<{ token?: LiveToken; client?: Client; wait: number }> {
  const claims = token.includes('.') ? await gateway.jwts.readAccessToken(token) : undefined
  const refresh = claims ? undefined : gateway.refreshTokens.parse(token)
  const id = readAccessTokenId(claims?.jti)
  const { family, client, jtiRevoked, wait } = await findFamily(gateway.reads, gateway.personal, {
    familyId: id?.familyId ?? refresh?.familyId,
    jti: id?.jti,
    ...input,
  })
  if (!family?.live || jtiRevoked) return { client, wait }
  if (claims) {
    const live: LiveToken = {
      kind: 'access',
      family,
      scope: String(claims.scope ?? ''),
      audience: [claims.aud ?? []].flat(),
      issuedAt: claims.iat ?? 0,
      expiresAt: claims.exp ?? 0,
      jti: claims.jti,
      revocationId: id?.jti,
      confirmation: claims.cnf as Confirmation | undefined,
    }
    return { token: live, client, wait }
  }
  const expiresAt = family.refreshExpiresAt
  if (!refresh || (family.refreshHash !== refresh.hash && !input.anyGeneration)) return { client, wait }
  if (!expiresAt || expiresAt <= gateway.now()) return { client, wait }
  const live: LiveToken = {
    kind: 'refresh',
    family,
    scope: family.scope.join(' '),
    audience: [gateway.issuer],
    issuedAt: Math.floor(family.startedAt.getTime() / 1000),
    expiresAt: Math.floor(expiresAt.getTime() / 1000),
  }
  return { token: live, client, wait }
}

/**
 * Whether a caller may see a token. A client sees its own tokens, and as a resource server the access tokens for its resources; a
 * first-party client without declared resources sees every access token (RFC 7662 section 4). An unauthenticated caller sees an access
 * token that it holds. Only its own authenticated client sees a refresh token: anyone else could mistake it for an access token.
 */
export function isFor(token: LiveToken, caller: Client | undefined): boolean {
  if (caller?.id === token.family.client.id) return true
  if (token.kind === 'refresh') return false
  if (!caller) return true
  const { resources } = caller.metadata
  return resources ? resources.some((one) => token.audience.includes(one)) : caller.first_party
}

/**
 * Returns the introspection response of an active token (RFC 7662 section 2.2), with the members that existing consumers read. The email
 * address needs its scope. Our services get the UAI even of tokens whose client does not know it.
 */
export function describeToken(gateway: Gateway, token: LiveToken, caller: Client | undefined) {
  const { family } = token
  const { client, person, session } = family
  const showsUai = !isPairwise(client) || (caller?.first_party === true && caller.id !== client.id)
  const sid = session && (showsUai ? session.id : sessionNameFor(gateway, client, session.id))
  const showsEmail = client.first_party || token.scope.split(' ').includes('email')
  return {
    active: true,
    iss: gateway.issuer,
    sub: person ? (showsUai ? person.uai : subjectOf(gateway, client, person)) : client.client_id,
    user_id: showsUai ? person?.uai : undefined,
    client_id: client.client_id,
    scope: token.scope,
    token_type: token.kind === 'refresh' ? 'refresh_token' : token.confirmation?.jkt ? 'DPoP' : 'Bearer',
    aud: token.audience.length === 1 ? token.audience[0] : token.audience,
    iat: token.issuedAt,
    exp: token.expiresAt,
    ...(token.jti && { jti: token.jti }),
    ...(token.confirmation && { cnf: token.confirmation }),
    ...(family.actor && { act: family.actor }),
    ...(session && {
      sid,
      auth_time: Math.floor(session.authenticatedAt.getTime() / 1000),
      acr: session.acr,
      amr: session.amr,
      project_scope: session.projectScope,
    }),
    ...(person ? showsUai && { organization_id: person.organizationId } : { sub_type: 'client' }),
    ...(person?.email && showsEmail && { email: person.email }),
  }
}

/**
 * Returns the introspection response of an API key: the members that existing consumers read of a token, and `token_type: "api_key"`.
 * Undefined for an invalid key.
 * @throws GatewayError rate_limited
 */
export async function describeApiKey(call: Call, presented: string) {
  const checked = await checkApiKey(call, presented).catch((error: unknown) => {
    if (error instanceof GatewayError && error.status < 429) return undefined
    throw error
  })
  if (!checked) return undefined
  const { key, person, scope } = checked
  const seconds = (at: string) => Math.floor(new Date(at).getTime() / 1000)
  return {
    active: true,
    iss: call.gateway.issuer,
    sub: person.uai,
    user_id: person.uai,
    scope: scope.join(' '),
    token_type: 'api_key',
    api_key_id: key.id,
    iat: seconds(key.rotated_at ?? key.created_at),
    ...(key.expires_at && { exp: seconds(key.expires_at) }),
    email: person.email,
    project_scope: projectScope(call.request.header('x-project-scope')),
    organization_id: person.organizationId,
  }
}
