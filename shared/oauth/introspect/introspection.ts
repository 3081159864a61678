import { isPairwise, sessionNameFor, subjectOf } from '../../access/subject.ts'
import type { RateLimit } from '../../events/store.ts'
import type { Gateway } from '../../gateway.ts'
import type { Client } from '../../queries/api-clients.ts'
import { type Confirmation, type Family, findFamily } from '../../queries/token-families.ts'
import { readAccessTokenId } from '../../tokens/access-token-id.ts'

export type LiveToken = {
  kind: 'access' | 'refresh'
  family: Family
  scope: string
  audience: string[]
  issuedAt: number
  expiresAt: number
  jti?: string
  /** What it is revoked by, together with those that renew it. */
  revocationId?: string
  confirmation?: Confirmation
}

/**
 * The live token behind a string, if it is one of ours, with the client that asks. One statement.
 * @param input.anyGeneration a refresh token that was rotated since also counts, as when its family is to be revoked
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
 * A client may see its own tokens, and as a resource server the access tokens for a resource it serves; a first-party client that does
 * not say what it serves sees every access token (RFC 7662 section 4). A caller that does not authenticate may ask about an access
 * token that it holds. A refresh token is nothing to anyone but its own client, which authenticates: whoever else takes it for an
 * access token would let its holder in.
 */
export function isFor(token: LiveToken, caller: Client | undefined): boolean {
  if (caller?.id === token.family.client.id) return true
  if (token.kind === 'refresh') return false
  if (!caller) return true
  const { resources } = caller.metadata
  return resources ? resources.some((one) => token.audience.includes(one)) : caller.first_party
}

/**
 * What introspection says of a live token (RFC 7662 section 2.2), with the members existing consumers read; the address only where the
 * token may know it. Of a client that does not know the UAI, a service of ours learns it all the same.
 */
export function describeToken(gateway: Gateway, token: LiveToken, caller: Client | undefined) {
  const { family } = token
  const { client, person, session } = family
  const tellsUai = !isPairwise(client) || (caller?.first_party === true && caller.id !== client.id)
  const sid = session && (tellsUai ? session.id : sessionNameFor(gateway, client, session.id))
  const tellsEmail = client.first_party || token.scope.split(' ').includes('email')
  return {
    active: true,
    iss: gateway.issuer,
    sub: person ? (tellsUai ? person.uai : subjectOf(gateway, client, person)) : client.client_id,
    user_id: tellsUai ? person?.uai : undefined,
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
    ...(person ? tellsUai && { organization_id: person.organizationId } : { sub_type: 'client' }),
    ...(person?.email && tellsEmail && { email: person.email }),
  }
}
