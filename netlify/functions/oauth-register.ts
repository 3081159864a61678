import { randomBytes } from 'node:crypto'
import * as z from 'zod/mini'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import { bearerToken } from '../../shared/access/authenticate.ts'
import { addressKey, isWithin, networkKey } from '../../shared/addresses.ts'
import {
  type ApiClient,
  type ApiClientEvent,
  apiClient,
  type ClientMetadata,
  deleteClient,
  registerClient,
  requireSoleHolder,
  rotateClientSecret,
  shareClient,
  updateClient,
} from '../../shared/domain/api-client.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit, type Stream, type Work } from '../../shared/events/commit.ts'
import type { RateLimit } from '../../shared/events/store.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { anything, type Operation } from '../../shared/http/operation.ts'
import { byProtocol, openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { newId } from '../../shared/ids.ts'
import {
  clientInformation,
  readDynamicMetadata,
  sharingKeyOf,
} from '../../shared/oauth/clients/dynamic-registration.ts'
import { checkSectorIdentifier } from '../../shared/oauth/clients/sector-identifier.ts'
import { once } from '../../shared/once.ts'
import { type Client, findClient, findSharedClient } from '../../shared/queries/api-clients.ts'
import { CODE_SECRET_BYTES, hashToken, newOpaqueToken } from '../../shared/tokens/opaque.ts'
import * as oauthSchemas from '../openapi/oauth-schemas.ts'

const MAX_OVERLAP_SECONDS = 7 * 86_400

const app = createApp('oauth', { tag: 'OAuth 2.1 and OpenID Connect' })

const newSecret = () => `mcs_${randomBytes(32).toString('base64url')}`
const managementUri = (clientId: string) => `${gateway().issuer}/register/${encodeURIComponent(clientId)}`

/** Checks the sector identifier document of an unverified client; the fetch is rate-limited per address. */
async function checkOwnSector(c: AppContext, metadata: ClientMetadata): Promise<void> {
  if (metadata.sector_identifier_uri === undefined) return
  const { limiter } = gateway()
  await limiter.enforce(limiter.of('sector-identifier', addressKey(c.var.call.request.clientIp)))
  await checkSectorIdentifier(metadata)
}

/** Limits of a caller who registers a client; none for shared networks that the operator trusts. */
function limitsOf(clientIp: string | undefined): RateLimit[] {
  const { limiter, config } = gateway()
  if (isWithin(config.REGISTRATION_NETWORKS, clientIp)) return []
  return [...limiter.of('register', addressKey(clientIp)), ...limiter.of('register-net', networkKey(clientIp))]
}

/**
 * Dynamic client registration (RFC 7591 section 3.1), open to everyone; such clients need consent every time. Installations of one
 * public client that send the same metadata share a registration, which counts toward no limit and can no longer be managed from
 * the second installation on.
 */
app.route('POST', '/register', {
  authority: openToAll,
  operation: {
    summary: 'Registers a client (RFC 7591)',
    body: anything,
    answers: { 201: oauthSchemas.clientInformation },
  },
})(async (c) => {
  const metadata = readDynamicMetadata(await readBody(c, anything()), gateway().config.PRIVATE_USE_SCHEMES)
  await checkOwnSector(c, metadata)
  const sharingKey = sharingKeyOf(metadata, c.var.call.now())
  const id = newId()
  const made = { id, client_id: `mcp_${Date.now()}_${randomBytes(9).toString('hex')}` }
  const needsSecret = metadata.token_endpoint_auth_method.startsWith('client_secret_')
  const secret = needsSecret ? newSecret() : undefined
  const access = newOpaqueToken(id, CODE_SECRET_BYTES)
  const { client_id } = await commit(c.var.call, async (work) => {
    const known = sharingKey && (await findSharedClient(gateway().reads, sharingKey))
    if (known) {
      if (known.registration_token_hash) (await work.load(apiClient, known.id, {})).decide(shareClient)
      return known
    }
    work.limits = limitsOf(c.var.call.request.clientIp)
    work.start(apiClient, id, {}).decide(() =>
      registerClient({
        clientId: made.client_id,
        firstParty: false,
        origin: 'dynamic',
        metadata,
        secretHash: secret && hashToken(secret),
        registrationTokenHash: access.hash,
        sharingKey,
      }),
    )
    return made
  })
  const client = await findClient(gateway().reads, client_id)
  if (!client) throw new Error('the registered client is missing')
  const information = clientInformation(client, secret)
  if (client.id !== id) return c.json(information, 201)
  const management = { registration_access_token: access.token, registration_client_uri: managementUri(client_id) }
  return c.json({ ...information, ...management }, 201)
})

/** Returns the client of the registration access token (RFC 7592 section 1.3). */
async function managed(c: AppContext): Promise<Client> {
  const token = bearerToken(c.var.call)
  if (!token) throw new GatewayError('token_required')
  const client = await findClient(gateway().reads, c.req.param('client_id') ?? '')
  const known = client?.registration_token_hash
  if (!client || client.status === 'deleted' || !known || !equalHash(known, hashToken(token)))
    throw new GatewayError('invalid_token', { reason: 'registration access token' })
  c.var.call.notes.caller = { clientId: client.client_id }
  return client
}

async function change(
  c: AppContext,
  client: Client,
  decide: (stream: Stream<ApiClient, ApiClientEvent>, work: Work) => void,
): Promise<void> {
  await commit(c.var.call, async (work) => {
    work.actor = { type: 'service', id: client.client_id, clientId: client.client_id }
    work.limits = gateway().limiter.of('manage-client', client.id)
    const stream = await work.load(apiClient, client.id, {})
    stream.decide(requireSoleHolder)
    decide(stream, work)
  })
}

const management = (client: Client, secret?: string) => ({
  ...clientInformation(client, secret),
  registration_client_uri: managementUri(client.client_id),
})

const registered: Operation = {
  summary: 'Returns a registered client (RFC 7592 section 2.1)',
  by: ['registrationToken'],
  answers: { 200: oauthSchemas.clientInformation },
}

app.route('GET', '/register/:client_id', {
  authority: byProtocol('client'),
  operation: registered,
})(async (c) => c.json(management(await managed(c))))

/** Replaces all metadata; omitted members are removed (RFC 7592 section 2.2). */
app.route('PUT', '/register/:client_id', {
  authority: byProtocol('client'),
  operation: { ...registered, summary: 'Replaces the metadata of a client (RFC 7592 section 2.2)', body: anything },
})(async (c) => {
  const client = await managed(c)
  const body: Record<string, unknown> = await readBody(c, anything())
  if (body.client_id !== client.client_id)
    throw new GatewayError('client_metadata_invalid', { description: 'client_id must be the id of the client' })
  for (const name of [
    'registration_access_token',
    'registration_client_uri',
    'client_secret_expires_at',
    'client_id_issued_at',
  ])
    if (name in body) throw new GatewayError('invalid_request', { details: { [name]: ['must not be sent'] } })
  const given = body.client_secret
  if (given !== undefined && !client.secrets.some(({ hash }) => equalHash(hash, hashToken(String(given)))))
    throw new GatewayError('invalid_request', { details: { client_secret: ['cannot be chosen'] } })
  const metadata = readDynamicMetadata(body, gateway().config.PRIVATE_USE_SCHEMES)
  await checkOwnSector(c, metadata)
  const needsSecret = metadata.token_endpoint_auth_method.startsWith('client_secret_') && client.secrets.length === 0
  const secret = needsSecret ? newSecret() : undefined
  await change(c, client, (stream) => {
    stream.decide((state) => updateClient(state, metadata))
    if (secret)
      stream.decide((state) =>
        rotateClientSecret(state, { secretHash: hashToken(secret), overlapSeconds: 0, now: c.var.call.now() }),
      )
  })
  return c.json(management({ ...client, metadata }, secret))
})

app.route('DELETE', '/register/:client_id', {
  authority: byProtocol('client'),
  operation: { ...registered, summary: 'Deletes a client (RFC 7592 section 2.3)', answers: { 204: 'empty' } },
})(async (c) => {
  const client = await managed(c)
  await change(c, client, (stream) => void stream.decide((state) => deleteClient(state, 'client')))
  return c.body(null, 204)
})

const rotateBody = once(() =>
  z.object({
    overlap_seconds: z.optional(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(MAX_OVERLAP_SECONDS))),
  }),
)

/** Rotates the secret; the old one expires after the overlap, or immediately. Of concurrent rotations one succeeds. */
app.route('POST', '/register/:client_id/secret', {
  authority: byProtocol('client'),
  operation: { ...registered, summary: 'Rotates the secret of a client', body: rotateBody },
})(async (c) => {
  const client = await managed(c)
  const { overlap_seconds: overlapSeconds = 0 } = await readBody(c, rotateBody())
  const secret = newSecret()
  const replaces = client.secrets[0]?.hash
  await change(c, client, (stream) => {
    stream.decide((state) =>
      rotateClientSecret(state, { secretHash: hashToken(secret), overlapSeconds, replaces, now: c.var.call.now() }),
    )
  })
  return c.json(management(client, secret))
})

export default serve(app)
