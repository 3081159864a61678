import { isUtf8 } from 'node:buffer'
import { decodeJwt } from 'jose'
import * as z from 'zod/mini'
import type { ClientCertificate } from '../../../packages/auth-server/src/client-certificate.ts'
import { equalHash } from '../../../packages/auth-server/src/equal-hash.ts'
import { addressKey } from '../../addresses.ts'
import type { Call } from '../../call.ts'
import { config } from '../../config.ts'
import { GatewayError } from '../../errors.ts'
import type { RateLimit } from '../../events/store.ts'
import type { Gateway } from '../../gateway.ts'
import { readClientCertificate } from '../../http/client-certificate.ts'
import { once } from '../../once.ts'
import type { Client } from '../../queries/api-clients.ts'
import { claimOnce } from '../../queries/replay-guard.ts'
import { hashToken } from '../../tokens/opaque.ts'
import { checkAssertion, JWT_BEARER } from './client-assertion.ts'
import { certificateProblem } from './client-certificate-auth.ts'

const text = (longest: number) => z.optional(z.string().check(z.maxLength(longest)))

/** Client authentication parameters in the body of a request. */
export const clientParameters = once(() => ({
  client_id: text(500),
  client_secret: text(500),
  client_assertion_type: text(200),
  client_assertion: text(8000),
}))

/** Parameters of revocation and introspection (RFC 7009 section 2.1, RFC 7662 section 2.1). */
export const tokenParameters = once(() =>
  z.object({
    token: z.string('is required').check(z.minLength(1), z.maxLength(8000)),
    token_type_hint: text(200),
    ...clientParameters(),
  }),
)

type ClientParameters = { [name in keyof ReturnType<typeof clientParameters>]?: string }

export type ClientCredentials = {
  clientId?: string
  /** How the request itself authenticates; `none` includes a certificate, which belongs to the connection. */
  method: 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  secret?: string
  assertion?: string
  /** The certificate of the connection; only a client that is registered for one authenticates with it. */
  certificate?: ClientCertificate
  /** Origin of the page that sent the request. */
  origin?: string
  /** Whether a Basic header named the client without a secret, so that an error carries the challenge. */
  challenged?: boolean
  /** What a failure counts toward, per client and address (OAuth 2.1 section 2.4.1); none if nothing authenticates the client. */
  limits: RateLimit[]
}

const BASIC_CHALLENGE = { 'WWW-Authenticate': 'Basic realm="lanonasis"' }

const malformedBasic = () =>
  new GatewayError('invalid_client', { reason: 'malformed Basic credentials', headers: BASIC_CHALLENGE })

const decodeForm = (value: string) => {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    throw malformedBasic()
  }
}

/** Returns the client id and secret of an Authorization header (RFC 7617 section 2, OAuth 2.1 section 2.4.1). */
function readBasic(header: string): { clientId: string; secret: string } {
  const decoded = Buffer.from(header, 'base64')
  const [id = '', ...rest] = decoded.toString().split(':')
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(header) && isUtf8(decoded)
  if (!isBase64 || !id || rest.length === 0) throw malformedBasic()
  return { clientId: decodeForm(id), secret: decodeForm(rest.join(':')) }
}

/** Returns the subject of an unverified assertion, for the look-up only. */
function subjectOf(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub
  } catch {
    throw new GatewayError('invalid_client', { reason: 'assertion: not a JWT' })
  }
}

/**
 * Reads the client credentials of a request: HTTP Basic, client_id and client_secret in the body (OAuth 2.1 section 2.4.1), or an
 * assertion (RFC 7523 section 2.2), whose `sub` may replace the client_id. A header with an empty secret only names the client, and
 * the body may also name it.
 * @throws GatewayError invalid_request for two mechanisms or an incomplete one, invalid_client for a malformed one
 */
export function readClientCredentials(call: Call, body: ClientParameters): ClientCredentials {
  const header = /^basic(?: +(.*))?$/i.exec(call.request.header('authorization') ?? '')
  const basic = header ? readBasic(header[1]?.trim() ?? '') : undefined
  const { client_secret: secret, client_assertion: assertion } = body
  if (basic && body.client_id && body.client_id.toLowerCase() !== basic.clientId.toLowerCase())
    throw new GatewayError('invalid_request', { description: 'Two different client ids were sent.' })
  if ([basic?.secret || undefined, secret, assertion].filter((one) => one !== undefined).length > 1)
    throw new GatewayError('invalid_request', { description: 'Use one way to authenticate the client.' })
  if ((assertion === undefined) !== (body.client_assertion_type === undefined))
    throw new GatewayError('invalid_request', {
      description: 'client_assertion and client_assertion_type go together.',
    })
  if (assertion !== undefined && body.client_assertion_type !== JWT_BEARER)
    throw new GatewayError('invalid_client', { reason: 'assertion: of another type' })
  const clientId = basic?.clientId ?? body.client_id ?? (assertion === undefined ? undefined : subjectOf(assertion))
  const named = { clientId, origin: call.request.header('origin'), limits: failureLimits(call, clientId) }
  if (basic?.secret) return { ...named, method: 'client_secret_basic', secret: basic.secret }
  if (assertion !== undefined) return { ...named, method: 'private_key_jwt', assertion }
  if (secret !== undefined) return { ...named, method: 'client_secret_post', secret }
  const certificate = readClientCertificate(call.request, config().MTLS_PROXY_SECRET)
  return {
    ...named,
    method: 'none',
    challenged: basic !== undefined,
    certificate,
    limits: certificate ? named.limits : [],
  }
}

const failureLimits = ({ gateway, request }: Call, clientId: string | undefined): RateLimit[] =>
  gateway.limiter.of('client-secret', `${clientId?.toLowerCase()} ${addressKey(request.clientIp)}`)

const byCertificate = (client: Client) =>
  client.metadata.token_endpoint_auth_method === 'tls_client_auth' ||
  client.metadata.token_endpoint_auth_method === 'self_signed_tls_client_auth'

/** Whether a request authenticates its client instead of only naming it. */
export function provesClient(client: Client | undefined, { method, certificate }: ClientCredentials): boolean {
  return method !== 'none' || (certificate !== undefined && client !== undefined && byCertificate(client))
}

/**
 * Authenticates the client of a request by its registered method. An assertion is accepted once; further calls in the same request
 * succeed.
 * @param found.wait seconds until the limits of the credentials are open
 * @throws GatewayError invalid_client (401, with `WWW-Authenticate` where Basic was used), unauthorized_client
 */
export async function authenticateClient(
  gateway: Gateway,
  { client, wait }: { client?: Client; wait: number },
  credentials: ClientCredentials,
): Promise<Client> {
  const usedBasic = credentials.method === 'client_secret_basic' || credentials.challenged
  const headers = usedBasic ? BASIC_CHALLENGE : undefined
  if (wait > 0) throw new GatewayError('rate_limited', { retryAfter: wait })
  const problem = client ? await clientProblem(gateway, client, credentials) : 'unknown client'
  if (client && !problem) {
    checkOrigin(client, credentials.origin)
    return client
  }
  if (client && provesClient(client, credentials)) await gateway.limiter.hit(credentials.limits)
  throw new GatewayError('invalid_client', { reason: problem, headers })
}

/**
 * Rejects requests from pages of origins that the client does not list, if it lists any.
 * @throws GatewayError unauthorized_client
 */
export function checkOrigin({ metadata }: Pick<Client, 'metadata'>, origin: string | undefined): void {
  if (origin === undefined || !metadata.web_origins || metadata.web_origins.includes(origin)) return
  throw new GatewayError('unauthorized_client', {
    description: 'This client may not be used from this origin.',
    reason: 'web_origins',
  })
}

const isSecret = (method: string) => method.startsWith('client_secret_')

async function clientProblem(
  gateway: Gateway,
  client: Client,
  credentials: ClientCredentials,
): Promise<string | undefined> {
  if (client.status !== 'active') return `client is ${client.status}`
  const registered = client.metadata.token_endpoint_auth_method
  const { method, secret = '', assertion = '', certificate } = credentials
  if (method === 'none' && certificate && byCertificate(client))
    return certificateProblem(client, certificate, gateway.now())
  // A secret is accepted in the header and in the body: many libraries support only one of them.
  const bySecret = isSecret(registered) && isSecret(method)
  if (registered !== method && !bySecret) return `registered for ${registered}, used ${method}`
  if (method === 'none') return undefined
  return method === 'private_key_jwt'
    ? assertionProblem(gateway, client, assertion, credentials)
    : secretProblem(client, secret, gateway.now())
}

function secretProblem({ secrets }: Client, secret: string, now: Date): string | undefined {
  const presented = hashToken(secret)
  const known = secrets.some(
    (one) => equalHash(one.hash, presented) && (!one.expiresAt || new Date(one.expiresAt) > now),
  )
  return known ? undefined : 'wrong secret'
}

/** An id is stored for longer than its assertion is valid, since the database has its own clock. */
const KEPT_LONGER_MS = 60_000

/** A unit of work may run twice, and its second run must not fail on the claim of its first. */
const taken = new WeakMap<ClientCredentials, Promise<boolean>>()

async function assertionProblem(
  gateway: Gateway,
  client: Client,
  assertion: string,
  credentials: ClientCredentials,
): Promise<string | undefined> {
  const checked = await checkAssertion(gateway, client, assertion).catch((error: Error) => error)
  if (checked instanceof Error)
    return `assertion: ${checked instanceof GatewayError ? checked.options.reason : checked.message}`
  const keptUntil = new Date(checked.expiresAt.getTime() + KEPT_LONGER_MS)
  const claim = () => claimOnce(gateway.reads, 'client-assertion', [client.id, checked.jti], keptUntil)
  const first = taken.get(credentials) ?? claim()
  taken.set(credentials, first)
  return (await first) ? undefined : 'assertion: seen before'
}
