import { createHash } from 'node:crypto'
import type { ClientMetadata } from '../../domain/api-client.ts'
import { GatewayError } from '../../errors.ts'
import { presentDeeply } from '../../present.ts'
import type { Client } from '../../queries/api-clients.ts'
import { isOpenToSelfRegistered, isPrivileged, parseScope } from '../token/scope.ts'
import { parseClientMetadata } from './client-metadata.ts'
import { DEVICE_CODE, JWT_BEARER_GRANT } from './grant-types.ts'
import { isOnDevice } from './redirect-uri.ts'
import { looksLikeOurs } from './reserved-names.ts'

/** What clients may register for themselves; only operators register others. */
const GRANTS = ['authorization_code', 'refresh_token', DEVICE_CODE, JWT_BEARER_GRANT]
const METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']
const DEFAULT_SCOPE = 'memories:read memories:write mcp:connect'
/** The default scope of a client that requests none: the useful minimum. */
const MINIMAL = ['memories:read', 'mcp:connect', 'openid', 'profile']
const OPERATOR_MEMBERS = [
  'brand_color',
  'resources',
  'exchange_resources',
  'access_token_seconds',
  'require_pkce',
  'default_scope',
]

const invalid = (member: string, message: string) =>
  new GatewayError(member === 'redirect_uris' ? 'redirect_uri_unusable' : 'client_metadata_invalid', {
    description: `${member} ${message}`,
    details: { [member]: [message] },
  })

/** Drops unknown scopes, or returns the default (RFC 7591 section 3.2.1). A request for privileged scopes only is rejected. */
function readScope(given: unknown): string {
  const asked = typeof given === 'string' ? parseScope(given) : given === undefined ? [] : undefined
  if (!asked) throw invalid('scope', 'must be scopes')
  const open = asked.filter(isOpenToSelfRegistered)
  if (open.length > 0) return open.join(' ')
  if (asked.some(isPrivileged)) throw invalid('scope', 'contains no scope that can be registered')
  return DEFAULT_SCOPE
}

function readGrants(given: unknown): unknown {
  if (given === undefined) return ['authorization_code']
  if (!Array.isArray(given)) return given
  const open = given.filter((one) => GRANTS.includes(one))
  return open.length > 0 ? open : given
}

/** Drops unsupported response types while a supported one remains, as with grants. */
function readResponseTypes(given: unknown): unknown {
  return Array.isArray(given) && given.includes('code') ? ['code'] : given
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') return
  if (/\p{Cc}|\p{Cf}/u.test(name)) throw invalid('client_name', 'contains control or formatting characters')
  if (looksLikeOurs(name)) throw invalid('client_name', 'is reserved')
}

/**
 * Returns the application type: native if any redirect URI leads to the person's own machine, whatever the client declares. A native
 * application may also have https redirect URIs, which lead to an app or to a relay (RFC 8252 section 7.2).
 */
function readApplicationType({ application_type, redirect_uris: uris }: Record<string, unknown>): unknown {
  const isNative = Array.isArray(uris) && uris.some((uri) => typeof uri === 'string' && isOnDevice(uri))
  return isNative && (application_type ?? 'web') === 'web' ? 'native' : application_type
}

/**
 * Reads the metadata of a self-registering client (RFC 7591 section 2). Members that only operators may set, unknown scopes and unknown
 * grants are dropped. Without an authentication method the client is public, as existing clients expect (docs/wire-contract.md 1.2),
 * while the RFC's default is `client_secret_basic`.
 * @param received empty members count as absent
 * @param schemes private-use schemes without a dot that redirect URIs may have
 * @throws GatewayError client_metadata_invalid, redirect_uri_unusable, software_statement_unapproved
 */
export function readDynamicMetadata(received: object, schemes: readonly string[]): ClientMetadata {
  const given = presentDeeply(received)
  if (given.software_statement !== undefined) throw new GatewayError('software_statement_unapproved')
  const { client_name = 'MCP Client', token_endpoint_auth_method: method = 'none' } = given
  if (typeof method !== 'string' || !METHODS.includes(method))
    throw invalid('token_endpoint_auth_method', 'is not supported')
  checkName(client_name)
  const scope = readScope(given.scope)
  const open = Object.entries(given).filter(([name]) => !OPERATOR_MEMBERS.includes(name) && !name.startsWith('tls_'))
  const { metadata, problems } = parseClientMetadata(
    {
      ...Object.fromEntries(open),
      client_name,
      scope,
      application_type: readApplicationType(given),
      token_endpoint_auth_method: method,
      grant_types: readGrants(given.grant_types),
      response_types: readResponseTypes(given.response_types),
    },
    schemes,
  )
  const problem = problems?.find(({ member }) => member === 'redirect_uris') ?? problems?.[0]
  if (!metadata) throw invalid(problem?.member ?? 'metadata', problem?.message ?? 'is malformed')
  const minimal = scope.split(' ').filter((one) => MINIMAL.includes(one))
  return { ...metadata, default_scope: minimal.length > 0 ? minimal.join(' ') : scope }
}

/** Returns a client information response (RFC 7591 section 3.2.1). The secret is known only right after it was created. */
export function clientInformation(client: Pick<Client, 'client_id' | 'created_at' | 'metadata'>, secret?: string) {
  return {
    client_id: client.client_id,
    client_id_issued_at: Math.floor(new Date(client.created_at).getTime() / 1000),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...client.metadata,
  }
}

const WEEK_MS = 7 * 86_400_000

/**
 * Returns the key under which registrations with the same metadata share one client for a week; undefined for confidential clients.
 * A public client is nothing but its metadata, so two with the same metadata are one client, as with a metadata document.
 */
export function sharingKeyOf(metadata: ClientMetadata, now: Date): string | undefined {
  if (metadata.token_endpoint_auth_method !== 'none') return undefined
  const week = Math.floor(now.getTime() / WEEK_MS)
  return createHash('sha256')
    .update(JSON.stringify([week, metadata]))
    .digest('base64url')
}
