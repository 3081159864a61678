import { type NodeRequest, readCredential, readRequest } from './presented.ts'
import { RequestRefused } from './refusal.ts'
import { type Caller, createVerifier, type VerifierOptions } from './verify-request.ts'

export { RequestRefused } from './refusal.ts'

export type McpGuardOptions = Omit<VerifierOptions, 'audience'> & {
  /** The URL of the MCP endpoint, which is the audience of its tokens (RFC 8707). */
  resource: string
  /** Display name. */
  name?: string
  /** Scopes that every call needs, separated by spaces. */
  scope: string
  /** Additional scopes of each tool, by its name. */
  tools?: Record<string, string>
}

/** `authInfo` of the MCP SDK's request handlers. */
export type McpAuthInfo = {
  token: string
  clientId: string
  scopes: string[]
  /** Seconds since the epoch. */
  expiresAt?: number
  resource: URL
  extra: { caller: Caller }
}

type Message = { method?: string; params?: { name?: string } }

const words = (scope: string | undefined) => scope?.split(' ').filter(Boolean) ?? []

/** Returns every scope that a message or batch needs, so that a client asks for consent once (RFC 6750 section 3.1). */
function scopesFor({ scope, tools = {} }: McpGuardOptions, body: unknown): string[] {
  const called = [body].flat().flatMap((one) => {
    const { method, params } = (one ?? {}) as Message
    const name = method === 'tools/call' ? params?.name : undefined
    return name !== undefined && Object.hasOwn(tools, name) ? words(tools[name]) : []
  })
  return [...new Set([...words(scope), ...called])]
}

/** Returns the metadata URL of a resource: on its host, followed by its path (RFC 9728 section 3.1). */
function metadataUrl(resource: string): URL {
  const { pathname } = new URL(resource)
  return new URL(`/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`, resource)
}

/**
 * Adds the metadata URL and the required scopes to the challenge (RFC 9728 section 5.1, MCP authorization 2026-07-28).
 */
function challenge(refusal: RequestRefused, url: URL, needed: string[]): RequestRefused {
  const { 'WWW-Authenticate': given, ...rest } = refusal.headers
  if (!given) return refusal
  const [, scheme = '', own = '', others = ''] = /^(\w+)(?:$|(?=,)| )(.*?)((?:, DPoP .*)?)$/.exec(given) ?? []
  const scope = own.includes('scope=') ? [] : [`scope="${needed.join(' ')}"`]
  const parameters = [own, `resource_metadata="${url}"`, ...scope].filter(Boolean).join(', ')
  return new RequestRefused(refusal.status, refusal.code, refusal.message, {
    ...rest,
    'WWW-Authenticate': `${scheme} ${parameters}${others}`,
  })
}

/**
 * Creates the guard of an MCP server: `req.auth = await guard(req, message)`. It accepts the gateway's Bearer and DPoP tokens for this
 * resource, and API keys. Each call needs the scopes of the server and of the tool. Serve `metadata` at `metadataPath`.
 * @returns the guard; it throws RequestRefused with `status`, `headers` and `toResponse()`
 * @see MCP authorization 2026-07-28, RFC 9728 sections 2 and 5.1, RFC 6750 section 3
 */
export function createMcpGuard(options: McpGuardOptions) {
  const { resource, name } = options
  const verify = createVerifier({ ...options, audience: resource })
  const url = metadataUrl(resource)
  const metadata = {
    resource,
    authorization_servers: [options.issuer.replace(/\/+$/, '')],
    scopes_supported: words(options.scope),
    bearer_methods_supported: ['header'],
    ...(name && { resource_name: name }),
  }

  /**
   * @param message the parsed JSON-RPC message or batch, if the request has one
   * @param body its bytes, for API keys that sign requests
   */
  async function guard(request: Request | NodeRequest, message?: unknown, body?: Uint8Array): Promise<McpAuthInfo> {
    const needed = scopesFor(options, message)
    try {
      const caller = await verify(request, { scope: needed.join(' '), body })
      const credential = readCredential(readRequest(request))
      return {
        token: credential?.token ?? '',
        clientId: caller.client_id ?? caller.api_key_id ?? caller.sub,
        scopes: caller.scope,
        expiresAt: caller.expiresAt && Math.floor(caller.expiresAt.getTime() / 1000),
        resource: new URL(resource),
        extra: { caller },
      }
    } catch (error) {
      throw error instanceof RequestRefused ? challenge(error, url, needed) : error
    }
  }

  return Object.assign(guard, { metadata, metadataPath: url.pathname })
}
