import { chooseResources, ownResource, scopesNeeded } from '../../access/resource.ts'
import { addressKey, networkKey } from '../../addresses.ts'
import type { Call } from '../../call.ts'
import { sendNoticeAfter } from '../../delivery/send-notice.ts'
import { apiClient, type ClientMetadata, registerClient } from '../../domain/api-client.ts'
import {
  approveDevice,
  DEVICE_SECONDS,
  type DeviceAuthorization,
  type DeviceAuthorizationEvent,
  denyDevice,
  deviceAuthorization,
  openDevice,
  POLL_SECONDS,
  requestDevice,
  withdrawApproval,
} from '../../domain/device-authorization.ts'
import { revokeFamily, tokenFamily } from '../../domain/token-family.ts'
import { GatewayError } from '../../errors.ts'
import { commit, type Work } from '../../events/commit.ts'
import type { StoredEvent } from '../../events/store.ts'
import type { Decision } from '../../events/types.ts'
import type { Gateway } from '../../gateway.ts'
import { newId } from '../../ids.ts'
import type { Client } from '../../queries/api-clients.ts'
import { findForService } from '../../queries/authorizations.ts'
import { findByUserCode, findDevice, type OpenDevice } from '../../queries/device-authorizations.ts'
import type { Person } from '../../queries/person.ts'
import { newOpaqueToken } from '../../tokens/opaque.ts'
import { refreshClientDocument } from '../clients/client-document.ts'
import { DEVICE_CODE } from '../clients/grant-types.ts'
import { looksLikeOurs } from '../clients/reserved-names.ts'
import { authenticateClient, type ClientCredentials } from '../token/client-auth.ts'
import { narrowScope } from '../token/scope.ts'
import { DEVICE_SECRET_BYTES, newUserCode, readUserCode, userCodeHash } from './device-code.ts'

const REVOKE_DAYS = 30

/** The metadata of an unknown client where the setting allows those: public, with the useful minimum of scopes. */
const MINIMAL_CLIENT: Omit<ClientMetadata, 'client_name'> = {
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['refresh_token', DEVICE_CODE],
  response_types: [],
  redirect_uris: [],
  scope: 'memories:read mcp:connect profile',
  default_scope: 'memories:read',
}

async function registerUnknown(call: Call, clientId: string | undefined): Promise<Client> {
  const { gateway } = call
  const open = gateway.config.REGISTER_UNKNOWN_CLIENTS ?? gateway.config.mode !== 'production'
  if (!open || !clientId || !/^[A-Za-z0-9][\w.-]{2,99}$/.test(clientId)) throw new GatewayError('invalid_client')
  const id = newId()
  const metadata = { client_name: looksLikeOurs(clientId) ? 'Device' : clientId, ...MINIMAL_CLIENT }
  await commit(call, async (work) => {
    work.limits = gateway.limiter.of('register', addressKey(call.request.clientIp))
    work
      .start(apiClient, id, {})
      .decide(() => registerClient({ clientId, firstParty: false, origin: 'dynamic', metadata }))
  })
  const { client } = await findForService(gateway.reads, { clientId })
  if (!client) throw new GatewayError('invalid_client')
  return client
}

/**
 * Starts the sign-in of a device (RFC 8628 section 3.1).
 * @throws GatewayError invalid_client, unauthorized_client, invalid_scope, invalid_target, rate_limited
 */
export async function startDevice(
  call: Call,
  credentials: ClientCredentials,
  params: { scope?: string; resource?: string[] },
) {
  const { gateway } = call
  await refreshClientDocument(call, credentials.clientId, 'authorize')
  const found = await findForService(gateway.reads, credentials)
  const known = found.client ?? (await registerUnknown(call, credentials.clientId))
  const client = await authenticateClient(gateway, { ...found, client: known }, credentials)
  if (!client.metadata.grant_types.includes(DEVICE_CODE)) throw new GatewayError('unauthorized_client')
  // Older clients send the name of a project here (docs/wire-contract.md 1.3).
  const asked = params.scope === 'lanonasis-maas' ? undefined : params.scope
  const offered = [...found.resources, ownResource(gateway.issuer)]
  const scope = narrowScope(client, asked, scopesNeeded(offered, params.resource))
  if (!scope) throw new GatewayError('invalid_scope')
  const resources = chooseResources(offered, params.resource, client)
  const id = newId()
  const deviceCode = newOpaqueToken(id, DEVICE_SECRET_BYTES)
  const userCode = newUserCode()
  await commit(call, async (work) => {
    const ip = call.request.clientIp
    work.actor = { type: 'anonymous', clientId: client.client_id }
    work.limits = [...gateway.limiter.of('device', addressKey(ip)), ...gateway.limiter.of('device-net', networkKey(ip))]
    work.start(deviceAuthorization, id, { subject: id }).decide(() =>
      requestDevice({
        facts: {
          clientId: client.id,
          scope,
          resources,
          deviceCodeHash: deviceCode.hash,
          userCodeHash: userCodeHash(gateway.ring, userCode),
          expiresAt: new Date(gateway.now().getTime() + DEVICE_SECONDS * 1000).toISOString(),
        },
        origin: JSON.stringify({ ip, userAgent: call.request.userAgent?.slice(0, 200) }),
      }),
    )
  })
  return {
    device_code: deviceCode.token,
    user_code: userCode,
    verification_uri: `${gateway.issuer}/oauth/device`,
    verification_uri_complete: `${gateway.issuer}/oauth/device?code=${userCode}`,
    expires_in: DEVICE_SECONDS,
    interval: POLL_SECONDS,
  }
}

/**
 * Returns the pending authorization of a typed code. Wrong codes are counted per address, network and session; past the limit the
 * response does not reveal whether a code is right (RFC 8628 section 5.1). Malformed codes are not counted.
 * @throws GatewayError user_code_malformed, user_code_invalid, rate_limited
 */
export async function findOpenDevice(call: Call, typed: string | undefined, sessionId?: string): Promise<OpenDevice> {
  const { limiter, reads, personal, ring } = call.gateway
  const code = readUserCode(typed)
  if (code === undefined) throw new GatewayError('user_code_malformed')
  const ip = call.request.clientIp
  const limits = sessionId
    ? [...limiter.of('user-code-session', sessionId), ...limiter.of('user-code-session-net', networkKey(ip))]
    : [...limiter.of('user-code', addressKey(ip)), ...limiter.of('user-code-net', networkKey(ip))]
  const { device, wait } = await findByUserCode(reads, personal, { userCodeHash: userCodeHash(ring, code), limits })
  if (wait > 0) throw new GatewayError('rate_limited', { retryAfter: wait })
  if (device && device.client.status === 'active') return device
  await limiter.hit(limits)
  throw new GatewayError('user_code_invalid')
}

type Decider = { person: Person; session: { id: string } }

/** Records a decision on a device, by a person or by anyone who has its code. */
async function change(
  call: Call,
  device: OpenDevice,
  by: Decider | undefined,
  decide: (state: DeviceAuthorization) => Decision<DeviceAuthorizationEvent>,
  also?: (work: Work) => void,
): Promise<void> {
  const { id, client, wrappedKey } = device
  let events: StoredEvent[] | undefined = device.events
  await commit(call, async (work) => {
    if (by) work.actor = { type: 'person', id: by.person.uai, sessionId: by.session.id, clientId: client.client_id }
    work.correlationId = id
    const about = { subject: id, wrappedKey }
    // A premature poll may have recorded an event in the meantime; then the stream is read again.
    const stream = events
      ? work.resume(deviceAuthorization, id, events, about)
      : await work.load(deviceAuthorization, id, about)
    events = undefined
    stream.decide(decide)
    also?.(work)
  })
}

const visitorOf = ({ gateway }: Call, { person, session }: Decider) => ({
  uai: person.uai,
  sessionId: session.id,
  now: gateway.now(),
})

/** Assigns a code to the first session that opens it. @throws GatewayError user_code_invalid */
export const claimDevice = (call: Call, device: OpenDevice, by: Decider): Promise<void> =>
  change(call, device, by, (state) => openDevice(state, visitorOf(call, by)))

/** Approves a device and notifies the person. @throws GatewayError user_code_invalid */
export async function connectDevice(call: Call, device: OpenDevice, by: Decider): Promise<void> {
  await change(
    call,
    device,
    by,
    (state) => approveDevice(state, visitorOf(call, by)),
    (work) => notifyConnected(call, work, device, by.person),
  )
}

/**
 * Refuses a device: anyone who has its code may do so, without a sign-in (docs/wire-contract.md 1.3).
 * @throws GatewayError user_code_invalid
 */
export const refuseDevice = (call: Call, device: OpenDevice, by?: Decider): Promise<void> =>
  change(call, device, by, (state) => denyDevice(state, { sessionId: by?.session.id, now: call.gateway.now() }))

const CONTEXT = 'device-revoke'

/** Mails the person a notice with a link that disconnects the device. */
function notifyConnected(call: Call, work: Work, device: OpenDevice, person: Person): void {
  const { ring, now } = call.gateway
  if (!person.email) return
  const until = now().getTime() + REVOKE_DAYS * 86_400_000
  const token = ring.sealJson(CONTEXT, { id: device.id, uai: person.uai, until }, CONTEXT)
  sendNoticeAfter(call, work, {
    id: device.id,
    kind: 'device_connected',
    person,
    path: `/oauth/device/revoke?token=${token}`,
    key_name: device.client.metadata.client_name,
  })
}

/** Reads the token of the notice's link. @throws GatewayError user_code_invalid */
export function readRevokeToken({ ring, now }: Gateway, token: string): { id: string; uai: string } {
  const opened = ring.openJson<{ id: string; uai: string; until: number }>(CONTEXT, token, CONTEXT)
  if (opened && opened.until > now().getTime()) return opened
  throw new GatewayError('user_code_invalid', { reason: 'revocation link is invalid or has expired' })
}

/** Disconnects a device: revokes its tokens, or its approval if it has none yet. */
export async function revokeDevice(call: Call, { id, uai }: { id: string; uai: string }): Promise<void> {
  await commit(call, async (work) => {
    work.actor = { type: 'person', id: uai }
    work.correlationId = id
    const { events, wrappedKey } = await findDevice(call.gateway.reads, call.gateway.personal, { id, limits: [] })
    const stream = work.resume(deviceAuthorization, id, events, { subject: id, wrappedKey })
    const state = stream.decide(withdrawApproval)
    if (state.status !== 'redeemed' || !state.familyId) return
    const family = await work.load(tokenFamily, state.familyId, { subject: uai })
    family.decide((current) => revokeFamily(current, 'person'))
  })
}
