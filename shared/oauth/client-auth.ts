import * as z from 'zod/mini'
import { GatewayError } from '../errors.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { addressKey, type Limiter } from '../http/rate-limit.ts'
import type { Client } from '../queries/api-clients.ts'
import { equalHash, hashToken } from '../tokens/opaque.ts'

/** What a body may say of the client, for the schema of every endpoint that authenticates one. */
export const clientParameters = {
  client_id: z.optional(z.string().check(z.maxLength(500))),
  client_secret: z.optional(z.string().check(z.maxLength(500))),
}

export type ClientCredentials = {
  clientId?: string
  secret?: string
  method: 'none' | 'client_secret_basic' | 'client_secret_post'
}

const BASIC_CHALLENGE = { 'WWW-Authenticate': 'Basic realm="lanonasis"' }

const decodeForm = (text: string) => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new GatewayError('invalid_client', { reason: 'malformed Basic credentials', headers: BASIC_CHALLENGE })
  }
}

/**
 * What a request says of its client: HTTP Basic, or client_id and client_secret in the body (OAuth 2.1 section 2.4.1).
 * @throws GatewayError invalid_request when it uses two mechanisms, invalid_client when Basic is malformed
 */
export function readClientCredentials(
  c: AppContext,
  body: { client_id?: string; client_secret?: string },
): ClientCredentials {
  const basic = /^basic +(.*)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  if (basic === undefined)
    return {
      clientId: body.client_id,
      secret: body.client_secret,
      method: body.client_secret ? 'client_secret_post' : 'none',
    }
  if (body.client_secret !== undefined)
    throw new GatewayError('invalid_request', { description: 'Use one way to authenticate the client.' })
  const [id = '', ...rest] = Buffer.from(basic, 'base64').toString().split(':')
  const clientId = decodeForm(id)
  if (body.client_id !== undefined && body.client_id.toLowerCase() !== clientId.toLowerCase())
    throw new GatewayError('invalid_request', { description: 'Two different client ids were sent.' })
  return { clientId, secret: decodeForm(rest.join(':')), method: 'client_secret_basic' }
}

/** Failed secrets are counted per known client and address (OAuth 2.1 section 2.4.1). */
export function secretLimits(limiter: Limiter, c: AppContext, credentials: ClientCredentials): RateLimit[] {
  if (credentials.secret === undefined) return []
  const ip = addressKey(c.get('clientIp'))
  return [limiter.limit('client-secret', `${credentials.clientId?.toLowerCase()} ${ip}`, 20, 900)]
}

/**
 * The client behind a request, proven as it is registered.
 * @throws GatewayError invalid_client (401, with `WWW-Authenticate` where Basic was used)
 */
export async function authenticateClient(
  { limiter }: Gateway,
  client: Client | undefined,
  credentials: ClientCredentials,
  limits: { wait: number; onFailure: RateLimit[] },
): Promise<Client> {
  const headers = credentials.method === 'client_secret_basic' ? BASIC_CHALLENGE : undefined
  if (limits.wait > 0) throw new GatewayError('rate_limited', { retryAfter: limits.wait })
  const fault = clientFault(client, credentials)
  if (client && !fault) return client
  if (client && credentials.secret !== undefined) await limiter.hit(limits.onFailure)
  throw new GatewayError('invalid_client', { reason: fault, headers })
}

function clientFault(client: Client | undefined, { secret, method }: ClientCredentials): string | undefined {
  if (!client) return 'unknown client'
  if (client.status !== 'active') return `client is ${client.status}`
  const registered = client.metadata.token_endpoint_auth_method
  if (registered !== method) return `registered for ${registered}, used ${method}`
  if (method === 'none') return undefined
  const presented = hashToken(secret ?? '')
  const now = new Date()
  const known = client.secrets.some(
    (one) => equalHash(one.hash, presented) && (!one.expiresAt || new Date(one.expiresAt) > now),
  )
  return known ? undefined : 'wrong secret'
}
