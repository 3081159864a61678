import { narrowResources } from '../../access/resource.ts'
import { confirmationFor } from '../../access/sender-constraint.ts'
import type { Call } from '../../call.ts'
import { deviceAuthorization, pollRefusal, redeemDevice, slowDown } from '../../domain/device-authorization.ts'
import { GatewayError } from '../../errors.ts'
import { commit } from '../../events/commit.ts'
import { newId } from '../../ids.ts'
import { findDevice } from '../../queries/device-authorizations.ts'
import { hashToken, streamOfToken } from '../../tokens/opaque.ts'
import { DEVICE_CODE } from '../clients/grant-types.ts'
import { DEVICE_SECRET_BYTES } from '../device/device-code.ts'
import { authenticateClient, type ClientCredentials } from './client-auth.ts'
import { startTokenFamily } from './token-family.ts'
import type { StartedFamily } from './token-response.ts'

const MOST_REMEMBERED = 10_000

/** Last poll of each code in this process: a hint, so that polls write nothing. Only the penalty for early polls is stored. */
const lastPolls = new Map<string, number>()

function sinceLastPoll(id: string, now: number): number {
  const last = lastPolls.get(id)
  lastPolls.delete(id)
  lastPolls.set(id, now)
  const oldest = lastPolls.keys().next().value
  if (lastPolls.size > MOST_REMEMBERED && oldest !== undefined) lastPolls.delete(oldest)
  return last === undefined ? Number.POSITIVE_INFINITY : now - last
}

/**
 * Answers a device's poll, with tokens once the person has approved. A pending poll is one read and no write.
 * @throws GatewayError authorization_pending, slow_down, device_denied, expired_token, invalid_grant, invalid_client,
 *   unauthorized_client, invalid_target
 * @see RFC 8628 sections 3.4 and 3.5
 */
export async function redeemDeviceCode(
  call: Call,
  credentials: ClientCredentials,
  params: { device_code?: string; resource?: string[] },
): Promise<StartedFamily> {
  const { gateway } = call
  const { device_code: deviceCode } = params
  if (!deviceCode) throw new GatewayError('invalid_request', { details: { device_code: ['is required'] } })
  const id = streamOfToken(deviceCode, DEVICE_SECRET_BYTES)

  return commit(call, async (work) => {
    const now = gateway.now()
    const { clientId, limits } = credentials
    const found = await findDevice(gateway.reads, gateway.personal, { id, clientId, limits })
    const client = await authenticateClient(gateway, found, credentials)
    if (!client.metadata.grant_types.includes(DEVICE_CODE)) throw new GatewayError('unauthorized_client')
    if (!id || found.events.length === 0) throw new GatewayError('invalid_grant')
    const stream = work.resume(deviceAuthorization, id, found.events, { subject: id, wrappedKey: found.wrappedKey })
    work.actor = { type: 'anonymous', clientId: client.client_id }
    work.correlationId = id
    const input = { deviceCodeHash: hashToken(deviceCode), clientId: client.id, now }
    const refusal = pollRefusal(stream.state, input)
    if (refusal === 'authorization_pending' && stream.state.status === 'pending') {
      if (sinceLastPoll(id, now.getTime()) < stream.state.interval * 1000 - 500) stream.decide(slowDown)
      throw new GatewayError('authorization_pending')
    }
    const { signedIn } = found
    if (!refusal && !signedIn) throw new GatewayError('device_denied', { reason: 'the session of the approval ended' })
    const confirmation = refusal ? undefined : await confirmationFor(call, client)
    const familyId = newId()
    const state = stream.decide((current) => redeemDevice(current, { ...input, familyId }))
    if (!signedIn || state.status !== 'redeemed') throw new GatewayError('invalid_grant')
    const { person, session } = signedIn
    work.actor = { type: 'person', id: person.uai, clientId: client.client_id, sessionId: session.id }
    const { scope } = state.facts
    const resources = narrowResources(state.facts.resources, params.resource)
    const { supabase } = found
    const tokens = { scope, resources, supabase, confirmation }
    const grant = { kind: 'authorization' as const, client, person, session, ...tokens }
    return startTokenFamily(gateway, work, grant, { id: familyId, authorizationId: id, offline: true, now })
  })
}
