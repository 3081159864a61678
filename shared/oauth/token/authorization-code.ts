import { narrowResources, supabaseAmong } from '../../access/resource.ts'
import { confirmationFor } from '../../access/sender-constraint.ts'
import { addressKey } from '../../addresses.ts'
import type { Call } from '../../call.ts'
import { authorization, isReplay, type Redemption, redeem } from '../../domain/authorization.ts'
import { revokeFamily, tokenFamily } from '../../domain/token-family.ts'
import { GatewayError } from '../../errors.ts'
import { aboutPerson, commit } from '../../events/commit.ts'
import { newId } from '../../ids.ts'
import { noticeTokenUse } from '../../people/sign-in-places.ts'
import { findAuthorization } from '../../queries/authorizations.ts'
import { CODE_SECRET_BYTES, hashToken, streamOfToken } from '../../tokens/opaque.ts'
import { manualCodeHash } from '../authorize/manual-code.ts'
import { CODE_VERIFIER, challengeOf } from '../authorize/pkce.ts'
import { authenticateClient, type ClientCredentials } from './client-auth.ts'
import { startTokenFamily } from './token-family.ts'
import type { StartedFamily } from './token-response.ts'

type CodeParameters = { code?: string; redirect_uri?: string; code_verifier?: string; resource?: string[] }

/**
 * Exchanges an authorization code for a new token family. A valid replay revokes the family it created.
 * @throws GatewayError invalid_request, invalid_client, invalid_grant, invalid_target, unauthorized_client
 * @see OAuth 2.1 section 4.1.3
 */
export async function redeemCode(
  call: Call,
  credentials: ClientCredentials,
  params: CodeParameters,
): Promise<StartedFamily> {
  const { gateway } = call
  const { code, code_verifier: verifier, redirect_uri: redirectUri } = params
  if (!code) throw new GatewayError('invalid_request', { details: { code: ['is required'] } })
  if (verifier !== undefined && !CODE_VERIFIER.test(verifier))
    throw new GatewayError('invalid_request', {
      details: { code_verifier: ['must be 43 to 128 unreserved characters'] },
    })
  const codeId = streamOfToken(code, CODE_SECRET_BYTES)
  const pasteHash = codeId ? undefined : manualCodeHash(gateway.ring, code)
  const guesses = pasteHash ? gateway.limiter.of('paste-try', addressKey(call.request.clientIp)) : []

  return commit(call, async (work) => {
    const now = gateway.now()
    const found = await findAuthorization(gateway.reads, gateway.personal, {
      id: codeId,
      pasteHash,
      clientId: credentials.clientId,
      limits: [...credentials.limits, ...guesses],
    })
    const client = await authenticateClient(gateway, found, credentials)
    const { id } = found
    if (!id) {
      await gateway.limiter.hit(guesses)
      throw new GatewayError('invalid_grant', { reason: 'unknown code' })
    }
    if (!client.metadata.grant_types.includes('authorization_code')) throw new GatewayError('unauthorized_client')
    const confirmation = await confirmationFor(call, client)
    const { signedIn } = found
    const uai = signedIn?.person.uai
    const about = signedIn ? aboutPerson(signedIn.person) : {}
    work.actor = { type: 'person', id: uai, clientId: client.client_id, sessionId: signedIn?.session.id }
    work.correlationId = id

    const stream = work.resume(authorization, id, found.events, about)
    const input: Redemption = {
      codeHash: pasteHash ?? hashToken(code),
      clientId: client.id,
      redirectUri,
      challenge: verifier === undefined ? undefined : challengeOf(verifier),
      jkt: confirmation?.jkt,
      now,
    }
    if (isReplay(stream.state, input)) {
      const family = await work.load(tokenFamily, stream.state.familyId, about)
      family.decide((state) => revokeFamily(state, 'replay'))
    } else if (stream.state.status === 'code_issued' && verifier !== undefined && !stream.state.facts.codeChallenge) {
      throw new GatewayError('invalid_request', { description: 'code_verifier was sent but no code_challenge was.' })
    }
    const familyId = newId()
    const state = stream.decide((current) => redeem(current, { ...input, familyId }))
    if (!signedIn || state.status !== 'redeemed') throw new GatewayError('invalid_grant', { reason: 'session ended' })

    const { scope, nonce, acr, amr, authenticatedAt } = state.facts
    const resources = narrowResources(state.facts.resources, params.resource)
    const grant = {
      kind: 'authorization' as const,
      client,
      person: signedIn.person,
      session: { ...signedIn.session, acr, amr, authenticatedAt: new Date(authenticatedAt) },
      scope,
      resources,
      supabase: supabaseAmong(found.resources, resources),
      nonce,
      confirmation,
    }
    if (client.metadata.token_endpoint_auth_method === 'none')
      work.atEnd(() => () => noticeTokenUse(call, signedIn, 'token'))
    const offline = scope.includes('offline_access') || client.metadata.application_type === 'native'
    return startTokenFamily(gateway, work, grant, { id: familyId, authorizationId: id, offline, now })
  })
}
