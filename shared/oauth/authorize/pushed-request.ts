import { addressKey, networkKey } from '../../addresses.ts'
import type { Call } from '../../call.ts'
import { authorization, openPushed, openPushedRequest, PUSHED_SECONDS, push } from '../../domain/authorization.ts'
import { GatewayError } from '../../errors.ts'
import { commit, fold } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import { newId } from '../../ids.ts'
import type { Client } from '../../queries/api-clients.ts'
import { findPushed } from '../../queries/authorizations.ts'
import { hashToken, newOpaqueToken, streamOfToken } from '../../tokens/opaque.ts'
import type { PushedRequest } from './authorization-request.ts'

const URN = 'urn:ietf:params:oauth:request_uri:'
/** 192 random bits. The length differs from a code's, since both carry the id of the authorization. */
const SECRET_BYTES = 24
/** Longer than a sign-in can take. */
const FORGOTTEN_SECONDS = 7200
const CONTEXT = 'pushed-request'

/** Whether a client must push its requests (RFC 9126 sections 5 and 6). */
export function mustPush({ config }: Gateway, { metadata }: Client): boolean {
  return config.REQUIRE_PUSHED_AUTHORIZATION_REQUESTS || metadata.require_pushed_authorization_requests === true
}

/** Stores a checked authorization request under a reference that is valid until a code is issued (RFC 9126 section 2.2). */
export async function storePushedRequest(
  call: Call,
  client: Client,
  parameters: URLSearchParams,
): Promise<{ request_uri: string; expires_in: number }> {
  const { limiter, ring } = call.gateway
  const id = newId()
  const { token, hash: requestUriHash } = newOpaqueToken(id, SECRET_BYTES)
  const sealedParameters = ring.seal(CONTEXT, Buffer.from(parameters.toString()), id)
  await commit(call, async (work) => {
    const ip = call.request.clientIp
    const now = call.gateway.now().getTime()
    work.actor = { type: 'anonymous', clientId: client.client_id }
    work.correlationId = id
    work.limits = [
      ...limiter.of('pushed-request', `${client.id} ${addressKey(ip)}`),
      ...limiter.of('pushed-request-net', networkKey(ip)),
    ]
    work.start(authorization, id, {}).decide(() =>
      push({
        facts: {
          clientId: client.id,
          requestUriHash,
          pushedAt: new Date(now).toISOString(),
          expiresAt: new Date(now + PUSHED_SECONDS * 1000).toISOString(),
        },
        sealedParameters,
        forgottenAt: new Date(now + FORGOTTEN_SECONDS * 1000),
      }),
    )
  })
  return { request_uri: `${URN}${token}`, expires_in: PUSHED_SECONDS }
}

/**
 * Returns the pushed request that an authorization request refers to. Its other parameters are ignored (RFC 9126 section 4).
 * @returns undefined without a reference
 * @throws GatewayError request_uri_invalid, for an error page
 */
export async function readPushedRequest(
  gateway: Gateway,
  client: Client | undefined,
  given: URLSearchParams,
): Promise<{ request: PushedRequest; parameters: URLSearchParams } | undefined> {
  const requestUri = given.get('request_uri')
  if (!requestUri?.startsWith(URN)) return undefined
  const token = requestUri.slice(URN.length)
  const id = streamOfToken(token, SECRET_BYTES)
  const { events, sealedParameters } = id ? await findPushed(gateway.reads, id) : { events: [] }
  const { state } = fold(authorization, events)
  const input = { clientId: client?.id ?? '', requestUriHash: hashToken(token), now: gateway.now() }
  const pushed = openPushedRequest(state, input)
  if (!id || !sealedParameters || client?.status !== 'active' || !pushed) throw new GatewayError('request_uri_invalid')
  const parameters = new URLSearchParams(gateway.ring.open(CONTEXT, sealedParameters, id).toString())
  return { request: { id, requestUri, at: new Date(pushed.pushedAt) }, parameters }
}

/** Extends a pushed request while the person signs in. */
export async function keepPushedRequestOpen(call: Call, { id }: PushedRequest): Promise<void> {
  await commit(call, async (work) => {
    work.correlationId = id
    const stream = await work.load(authorization, id, {})
    stream.decide((state) => openPushed(state, call.gateway.now()))
  })
}
