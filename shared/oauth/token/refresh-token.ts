import { narrowResources } from '../../access/resource.ts'
import { confirmationFor } from '../../access/sender-constraint.ts'
import type { Call } from '../../call.ts'
import type { Authority } from '../../domain/derivation.ts'
import { authorityOf, isGraceReplay, rotate } from '../../domain/token-family.ts'
import { GatewayError } from '../../errors.ts'
import { commit } from '../../events/commit.ts'
import { noticeTokenUse } from '../../people/sign-in-places.ts'
import type { Client } from '../../queries/api-clients.ts'
import { touchSession } from '../../queries/sessions.ts'
import { type Confirmation, type Family, findFamily, type PersonFamily } from '../../queries/token-families.ts'
import { keyDerivation } from '../../tokens/derived-key.ts'
import { newAccessTokenId } from '../../tokens/jwt.ts'
import { openBytes, sealBytes } from '../../tokens/sealed.ts'
import { authenticateClient, type ClientCredentials } from './client-auth.ts'
import { askedScope, scopeForPerson } from './scope.ts'
import { refreshExpiry, resumeFamily } from './token-family.ts'
import { type TokenResponse, tokenResponse } from './token-response.ts'

type RefreshParameters = { refresh_token?: string; scope?: string; resource?: string[] }

export type Refreshed = { response: TokenResponse; family: PersonFamily }

/**
 * Rotates a refresh token. Repeating the request inside the grace window returns the same response, which is stored encrypted under the
 * presented token. Reuse of an older token revokes the family.
 * @param credentials the client's, or undefined at the first-party endpoint, which serves direct sign-ins only
 * @throws GatewayError invalid_request, invalid_client, invalid_grant, invalid_scope, invalid_target
 * @see OAuth 2.1 section 4.3
 */
export async function refresh(
  call: Call,
  credentials: ClientCredentials | undefined,
  params: RefreshParameters,
): Promise<Refreshed> {
  const { gateway } = call
  if (!params.refresh_token) throw new GatewayError('invalid_request', { details: { refresh_token: ['is required'] } })
  const presented = params.refresh_token
  const genuine = gateway.refreshTokens.parse(presented)

  const refreshed = await commit(call, async (work) => {
    const now = gateway.now()
    const found = await findFamily(gateway.reads, gateway.personal, {
      familyId: genuine?.familyId,
      clientId: credentials?.clientId,
      limits: credentials?.limits,
    })
    const caller = credentials && (await authenticateClient(gateway, found, credentials))
    const { family } = found
    if (!genuine || !isRefreshable(family) || !mayRefresh(family, caller)) throw new GatewayError('invalid_grant')
    if (family.state.status === 'active' && !family.live)
      throw new GatewayError('invalid_grant', { reason: 'not active' })

    const { scope, resources } = narrow(family, params)
    const confirmation = await confirm(call, family)
    const bound = JSON.stringify(confirmation ?? {})
    const context = [caller?.client_id ?? '', scope.join(' '), resources.join(' '), bound].join('|')
    const answerKey = keyDerivation(Buffer.from(presented))('refresh-answer')
    if (isGraceReplay(family.state, { presentedHash: genuine.hash, now }))
      return { response: openAnswer(answerKey, found.answer, context), family }

    const stream = resumeFamily(work, family)
    work.limits = gateway.limiter.of('refresh', family.id)
    const next = gateway.refreshTokens.issue(family.id, genuine.generation + 1)
    const refreshExpiresAt = refreshExpiry(gateway, family.expiresAt, now)
    const jti = newAccessTokenId(family.id)
    const grant = { ...family, familyId: family.id, scope, resources, confirmation }
    const ends = { refreshExpiresAt, until: family.expiresAt }
    const from = authorityLeft(family)
    const response = await tokenResponse(gateway, { grant, jti, refreshToken: next.token, ...ends, from, now })
    stream.decide((state) =>
      rotate(state, {
        presentedHash: genuine.hash,
        generation: genuine.generation,
        refreshHash: next.hash,
        refreshExpiresAt,
        accessTokenId: jti,
        answer: sealBytes(answerKey, Buffer.from(JSON.stringify(response)), context),
        now,
      }),
    )
    if (family.session.activityStale && family.session.live) await touchSession(gateway.reads, family.session.id)
    return { response, family }
  })
  if (isPublic(refreshed.family)) noticeTokenUse(call, refreshed.family, 'renewal')
  return refreshed
}

/** Whether the person's own device renews the tokens, instead of a server. */
const isPublic = ({ client }: PersonFamily) => client.metadata.token_endpoint_auth_method === 'none'

/** Services and delegated actors get no refresh tokens. */
const isRefreshable = (family: Family | undefined): family is PersonFamily =>
  family?.kind === 'authorization' || family?.kind === 'session'

/** Its own client, or any first-party public client for the tokens of a direct sign-in (docs/wire-contract.md 5.1, 5.9.4). */
function mayRefresh(family: PersonFamily, caller: Client | undefined): boolean {
  if (family.kind === 'session')
    return !caller || (caller.first_party && caller.metadata.token_endpoint_auth_method === 'none')
  return caller?.id === family.client.id
}

/** A public client's refresh token stays bound to the first key of its family (RFC 9449 section 5, RFC 8705 section 4). */
async function confirm(call: Call, family: PersonFamily): Promise<Confirmation | undefined> {
  const confirmation = await confirmationFor(call, family.client)
  const bound = family.client.metadata.token_endpoint_auth_method === 'none' ? family.confirmation : undefined
  if (!bound) return confirmation
  const { jkt, 'x5t#S256': thumbprint } = confirmation ?? {}
  if (bound.jkt && !jkt) throw new GatewayError('invalid_dpop_proof', { reason: 'no DPoP proof' })
  if (bound.jkt !== jkt || bound['x5t#S256'] !== thumbprint)
    throw new GatewayError('invalid_grant', { reason: 'bound to another key or certificate' })
  return confirmation
}

function narrow(family: PersonFamily, params: RefreshParameters): { scope: string[]; resources: string[] } {
  const asked = askedScope(params.scope) ?? family.scope
  if (asked.length === 0 || asked.some((one) => !family.scope.includes(one))) throw new GatewayError('invalid_scope')
  const held = scopeForPerson(family.client, family.person, family.scope)
  const scope = held.filter((one) => asked.includes(one))
  if (scope.length === 0) throw new GatewayError('invalid_scope', { reason: 'no scope that the person still has' })
  return { scope, resources: narrowResources(family.resources, params.resource) }
}

/** Returns what a refresh may issue. Only a public client's tokens stay bound to one key. */
function authorityLeft({ client, confirmation, ...family }: PersonFamily): Authority {
  const bound = client.metadata.token_endpoint_auth_method === 'none' ? confirmation : undefined
  return authorityOf({ ...family, confirmation: bound, expiresAt: family.expiresAt.toISOString() })
}

function openAnswer(key: Uint8Array, sealed: Uint8Array | undefined, context: string): TokenResponse {
  try {
    if (sealed) return JSON.parse(openBytes(key, sealed, context).toString())
  } catch {
    throw new GatewayError('invalid_grant', { reason: 'different request in the grace window' })
  }
  throw new GatewayError('invalid_grant', { reason: 'response of the grace window has expired' })
}
