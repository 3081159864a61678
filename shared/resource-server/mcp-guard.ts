import { type NodeRequest, readCredential, readRequest } from './presented.ts'
import { RequestRefused } from './refusal.ts'
import { type Caller, createVerifier, type VerifierOptions } from './verify-request.ts'

export { RequestRefused } from './refusal.ts'

export type McpGuardOptions = Omit<VerifierOptions, 'audience'> & {
  /** The address of the MCP endpoint: the audience of its tokens (RFC 8707). */
  resource: string
  /** Name for people. */
  name?: string
  /** What every call needs, separated by spaces. */
  scope: string
  /** What the call of a tool needs besides, by the tool's name. */
  tools?: Record<string, string>
}

/** What the MCP SDK hands to its request handlers as `authInfo`. */
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

/** Every scope that a message, or any of a batch, needs: all at once, so that a client asks its person once (RFC 6750 section 3.1). */
function scopesFor({ scope, tools = {} }: McpGuardOptions, body: unknown): string[] {
  const called = [body].flat().flatMap((one) => {
    const { method, params } = (one ?? {}) as Message
    const name = method === 'tools/call' ? params?.name : undefined
    return name !== undefined && Object.hasOwn(tools, name) ? words(tools[name]) : []
  })
  return [...new Set([...words(scope), ...called])]
}

/** Where the metadata of a resource stands: at its host, with its path behind (RFC 9728 section 3.1). */
function metadataUrl(resource: string): URL {
  const { pathname } = new URL(resource)
  return new URL(`/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`, resource)
}

/**
 * Adds what a client needs in order to get better credentials: where the metadata is, and which scopes to ask for (RFC 9728
 * section 5.1, MCP authorization 2026-07-28).
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
 * Makes the guard of an MCP server: `req.auth = await guard(req, message)`. It takes tokens of the gateway for this resource, Bearer
 * or DPoP, and API keys; each call needs the scopes of the server and of the tool. `metadata` is to be served at `metadataPath`.
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
   * @param message the parsed JSON-RPC message or batch, where the request has one
   * @param body the same in bytes, for API keys whose requests are signed
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
