import type { AccountAccess } from '../../shared/domain/api-client.ts'
import { metadataNames } from '../../shared/oauth/clients/client-metadata.ts'
import { metadataOfType } from './client-kind.ts'
import type { Flags } from './operator.ts'
import { RefusedError, readFileOf, type Terminal, UsageError, wholeNumber } from './terminal.ts'

const one = (member: string) => ({ type: 'string', member }) as const
const many = (member: string) => ({ type: 'string', multiple: true, member }) as const
const yes = (member: string) => ({ type: 'boolean', member }) as const

/** Flags that give a member of the metadata as it is. */
const METADATA = {
  name: one('client_name'),
  'application-type': one('application_type'),
  'auth-method': one('token_endpoint_auth_method'),
  'grant-type': many('grant_types'),
  'response-type': many('response_types'),
  'redirect-uri': many('redirect_uris'),
  'post-logout-redirect-uri': many('post_logout_redirect_uris'),
  'web-origin': many('web_origins'),
  scope: one('scope'),
  'default-scope': one('default_scope'),
  'client-uri': one('client_uri'),
  'logo-uri': one('logo_uri'),
  'brand-color': one('brand_color'),
  'policy-uri': one('policy_uri'),
  'tos-uri': one('tos_uri'),
  contact: many('contacts'),
  'auth-signing-alg': one('token_endpoint_auth_signing_alg'),
  'introspection-alg': one('introspection_signed_response_alg'),
  'certificate-bound': yes('tls_client_certificate_bound_access_tokens'),
  'dpop-bound': yes('dpop_bound_access_tokens'),
  resource: many('resources'),
  'exchange-resource': many('exchange_resources'),
  'jwks-uri': one('jwks_uri'),
  'subject-type': one('subject_type'),
  'sector-identifier-uri': one('sector_identifier_uri'),
  'tls-client-auth-subject-dn': one('tls_client_auth_subject_dn'),
  'tls-client-auth-san-dns': one('tls_client_auth_san_dns'),
  'tls-client-auth-san-uri': one('tls_client_auth_san_uri'),
  'tls-client-auth-san-ip': one('tls_client_auth_san_ip'),
  'tls-client-auth-san-email': one('tls_client_auth_san_email'),
} as const

const string = { type: 'string' } as const
/** Flags of `npm run clients` for `parseArgs`. */
export const clientOptions = {
  ...METADATA,
  ...{ 'access-token-seconds': string, jwks: string, 'require-pkce': string },
  ...{ 'account-access': string, 'client-id': string, file: string, overlap: string, reason: string, type: string },
  'first-party': { type: 'boolean' },
} as const

type ClientFlags = Flags<typeof clientOptions>

/** Returns the client's everyday access to the account API from its flag; undefined without the flag. */
function readAccountAccess({ 'account-access': value }: ClientFlags): AccountAccess | undefined {
  if (value === undefined || value === 'none' || value === 'everyday') return value
  throw new UsageError('--account-access takes none or everyday')
}

/** Reads RFC 7591 metadata from `--file` (`-` is standard input), overridden by the flags, and the client id if one is given. */
export function readClientRequest(flags: ClientFlags, terminal: Terminal) {
  const { client_id, ...members } = flags.file === undefined ? {} : readMetadataFile(flags.file, terminal)
  const given = Object.entries(METADATA).map(([flag, { member }]) => [member, flags[flag as keyof typeof METADATA]])
  const { 'access-token-seconds': seconds, 'require-pkce': pkce, jwks } = flags
  return {
    clientId: flags['client-id'] ?? client_id,
    fromFile: flags.file !== undefined,
    accountAccess: readAccountAccess(flags),
    metadata: {
      ...metadataOfType(flags.type),
      ...members,
      ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
      ...(seconds !== undefined && { access_token_seconds: wholeNumber('access-token-seconds', seconds) }),
      ...(jwks !== undefined && { jwks: readObject(jwks, terminal) }),
      ...(pkce !== undefined && { require_pkce: trueOrFalse('require-pkce', pkce) }),
    } as Record<string, unknown>,
  }
}

function trueOrFalse(flag: string, value: string): boolean {
  if (value !== 'true' && value !== 'false') throw new UsageError(`--${flag} takes true or false`)
  return value === 'true'
}

function readObject(path: string, terminal: Terminal): Record<string, unknown> {
  const parsed = readFileOf(terminal, path, JSON.parse)
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
  throw new RefusedError(`${path} is not a JSON object`)
}

function readMetadataFile(path: string, terminal: Terminal): Record<string, unknown> {
  const parsed = readObject(path, terminal)
  const known = new Set([...metadataNames(), 'client_id'])
  const ignored = Object.keys(parsed).filter((name) => !known.has(name))
  if (ignored.length > 0) terminal.err(`ignored in ${path}: ${ignored.join(', ')}`)
  return parsed
}
