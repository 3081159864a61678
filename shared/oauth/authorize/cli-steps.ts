import { unnamedResources } from '../../access/resource.ts'
import type { Call } from '../../call.ts'
import { authorization, PASTED_SECONDS, showCode } from '../../domain/authorization.ts'
import { GatewayError } from '../../errors.ts'
import { aboutPerson, commit } from '../../events/commit.ts'
import { newId } from '../../ids.ts'
import { findForApplication } from '../../queries/agent-delegations.ts'
import { findAuthorization } from '../../queries/authorizations.ts'
import type { SignedIn } from '../../queries/sessions.ts'
import { CODE_SECRET_BYTES, hashToken, streamOfToken } from '../../tokens/opaque.ts'
import { hostedCallback } from '../clients/redirect-uri.ts'
import { parseScope } from '../token/scope.ts'
import { startTokenFamily } from '../token/token-family.ts'
import { accessTokenSeconds, tokenResponse } from '../token/token-response.ts'
import { manualCode, manualCodeHash } from './manual-code.ts'

const CLI = 'lanonasis-cli'

/**
 * Issues the manual code for an authorization code that was sent to the hosted callback, to the person whose session granted it.
 * @throws GatewayError paste_impossible
 */
export async function issueManualCode(
  call: Call,
  code: string,
  { person, session }: SignedIn,
): Promise<{ code: string; seconds: number }> {
  const { gateway } = call
  const id = streamOfToken(code, CODE_SECRET_BYTES)
  if (!id) throw new GatewayError('paste_impossible', { reason: 'not an authorization code' })
  const short = manualCode(gateway.ring, id)
  return commit(call, async (work) => {
    const now = gateway.now()
    const stored = await findAuthorization(gateway.reads, gateway.personal, { id })
    work.actor = { type: 'person', id: person.uai, sessionId: session.id, clientId: stored.requestedBy?.client_id }
    work.correlationId = id
    const stream = work.resume(authorization, id, stored.events, aboutPerson(person))
    const { state } = stream
    if (!('facts' in state) || state.facts.redirectUri !== hostedCallback(gateway.issuer))
      throw new GatewayError('paste_impossible', { reason: 'granted for another address' })
    const pasteHash = manualCodeHash(gateway.ring, short) ?? ''
    stream.decide((current) => showCode(current, { codeHash: hashToken(code), sessionId: session.id, pasteHash, now }))
    return { code: short, seconds: PASTED_SECONDS }
  })
}

/** Issues an access token for the person to paste into the command line: valid for a day, without a refresh token. */
export async function issueManualToken(
  call: Call,
  { person, session }: SignedIn,
): Promise<{ token: string; until: Date }> {
  const { gateway } = call
  const started = await commit(call, async (work) => {
    const now = gateway.now()
    const { client, resources: defaults } = await findForApplication(gateway.reads, person.members, CLI)
    if (client?.status !== 'active') throw new GatewayError('unauthorized_client')
    work.actor = { type: 'person', id: person.uai, sessionId: session.id, clientId: client.client_id }
    work.limits = gateway.limiter.of('paste-token', person.uai)
    const scope = parseScope(client.metadata.default_scope) ?? []
    const resources = unnamedResources(gateway.issuer, client, defaults)
    const grant = { kind: 'authorization' as const, client, person, session, scope, resources }
    return startTokenFamily(gateway, work, grant, { id: newId(), offline: true, withoutRefresh: true, now })
  })
  const { access_token } = await tokenResponse(gateway, started)
  const until = new Date(started.now.getTime() + accessTokenSeconds(gateway, started.grant.client) * 1000)
  return { token: access_token, until }
}
