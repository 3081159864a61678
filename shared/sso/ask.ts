import { isHttps } from '../config.ts'
import type { Gateway } from '../gateway.ts'
import { guardedFetch } from '../http/guarded-fetch.ts'
import { parsePresent } from '../present.ts'

const MAX_BYTES = 256 * 1024
const TIMEOUT_MS = 8_000

/** Returns a provider's JSON without members that are null or empty; undefined for text that is not JSON, which is passed on unchanged. */
function readPresent(text: string): unknown {
  try {
    return parsePresent(text) ?? {}
  } catch {
    return undefined
  }
}

/** Members of a token response that are used here: any other member, or one of another type, is ignored and fails no sign-in. */
const TOKEN_MEMBERS = ['access_token', 'token_type', 'id_token', 'error', 'error_description', 'error_uri']

/** Returns the used members of a token response (RFC 6749 section 5.1). A token without a type is a bearer token. */
function tokenMembers(answer: unknown): Record<string, unknown> {
  const given = typeof answer === 'object' && answer !== null ? Object.entries(answer) : []
  const used = given.filter(([name, value]) => TOKEN_MEMBERS.includes(name) && typeof value === 'string')
  const members = Object.fromEntries(used)
  return { token_type: 'Bearer', ...members, ...withoutEmptyClaims(String(members.id_token)) }
}

/**
 * Returns an ID token without empty claims, which the library would reject; `received_id_token` is the one that the provider signed.
 * Undefined for text that is not a JWT.
 */
function withoutEmptyClaims(idToken: string) {
  const [header, payload = '', signature, ...rest] = idToken.split('.')
  if (!signature || rest.length > 0) return undefined
  const claims = readPresent(Buffer.from(payload, 'base64url').toString())
  if (claims === undefined) return undefined
  const encoded = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return { id_token: [header, encoded, signature].join('.'), received_id_token: idToken }
}

/**
 * `fetch` for requests to other identity providers, guarded against addresses that a third party chose (docs/security-rules.md R12).
 * @param tokenEndpoint the address whose responses are reduced to the used members
 */
export const askProvider =
  ({ config }: Pick<Gateway, 'config'>, tokenEndpoint?: string) =>
  async (
    address: string | URL,
    init: { method?: string; headers?: unknown; body?: unknown } = {},
  ): Promise<Response> => {
    const headers = Object.fromEntries(new Headers(init.headers as HeadersInit))
    const answer = await guardedFetch(String(address), {
      method: init.method === 'POST' ? 'POST' : 'GET',
      headers,
      body: init.body === undefined || init.body === null ? undefined : String(init.body),
      accept: headers.accept ?? 'application/json',
      maxBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      allowLoopback: !isHttps(config),
    })
    const empty = answer.status === 204 || answer.status === 304
    const present = /[/+]json$/.test(answer.contentType) ? readPresent(answer.body.toString()) : undefined
    const used = present !== undefined && address === tokenEndpoint ? tokenMembers(present) : present
    const body = used === undefined ? new Uint8Array(answer.body) : JSON.stringify(used)
    return new Response(empty ? null : body, { status: answer.status, headers: answer.headers })
  }
