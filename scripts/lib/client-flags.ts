import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { AccountAccess } from '../../shared/domain/api-client.ts'
import { metadataNames } from '../../shared/oauth/clients/client-metadata.ts'
import { metadataOfType } from './client-kind.ts'
import { RefusedError, type Terminal, UsageError, wholeNumber } from './terminal.ts'

/** Flags of `npm run clients` for `parseArgs`. */
export const clientOptions = {
  'account-access': { type: 'string' },
  'access-token-seconds': { type: 'string' },
  'application-type': { type: 'string' },
  'auth-method': { type: 'string' },
  'auth-signing-alg': { type: 'string' },
  'brand-color': { type: 'string' },
  'certificate-bound': { type: 'boolean' },
  'client-id': { type: 'string' },
  'client-uri': { type: 'string' },
  contact: { type: 'string', multiple: true },
  'default-scope': { type: 'string' },
  'dpop-bound': { type: 'boolean' },
  'exchange-resource': { type: 'string', multiple: true },
  file: { type: 'string' },
  'first-party': { type: 'boolean' },
  'grant-type': { type: 'string', multiple: true },
  'introspection-alg': { type: 'string' },
  json: { type: 'boolean' },
  jwks: { type: 'string' },
  'jwks-uri': { type: 'string' },
  'logo-uri': { type: 'string' },
  name: { type: 'string' },
  overlap: { type: 'string' },
  'policy-uri': { type: 'string' },
  'post-logout-redirect-uri': { type: 'string', multiple: true },
  reason: { type: 'string' },
  resource: { type: 'string', multiple: true },
  'redirect-uri': { type: 'string', multiple: true },
  'require-pkce': { type: 'string' },
  'response-type': { type: 'string', multiple: true },
  scope: { type: 'string' },
  'sector-identifier-uri': { type: 'string' },
  'subject-type': { type: 'string' },
  'tls-client-auth-san-dns': { type: 'string' },
  'tls-client-auth-san-email': { type: 'string' },
  'tls-client-auth-san-ip': { type: 'string' },
  'tls-client-auth-san-uri': { type: 'string' },
  'tls-client-auth-subject-dn': { type: 'string' },
  'tos-uri': { type: 'string' },
  type: { type: 'string' },
  'web-origin': { type: 'string', multiple: true },
} as const

export type ClientFlags = { [name in keyof typeof clientOptions]?: string | string[] | boolean }

const MEMBER_OF_FLAG: [flag: keyof ClientFlags, member: string][] = [
  ['name', 'client_name'],
  ['application-type', 'application_type'],
  ['auth-method', 'token_endpoint_auth_method'],
  ['grant-type', 'grant_types'],
  ['response-type', 'response_types'],
  ['redirect-uri', 'redirect_uris'],
  ['post-logout-redirect-uri', 'post_logout_redirect_uris'],
  ['web-origin', 'web_origins'],
  ['scope', 'scope'],
  ['default-scope', 'default_scope'],
  ['client-uri', 'client_uri'],
  ['logo-uri', 'logo_uri'],
  ['brand-color', 'brand_color'],
  ['policy-uri', 'policy_uri'],
  ['tos-uri', 'tos_uri'],
  ['contact', 'contacts'],
  ['auth-signing-alg', 'token_endpoint_auth_signing_alg'],
  ['introspection-alg', 'introspection_signed_response_alg'],
  ['certificate-bound', 'tls_client_certificate_bound_access_tokens'],
  ['dpop-bound', 'dpop_bound_access_tokens'],
  ['resource', 'resources'],
  ['exchange-resource', 'exchange_resources'],
  ['jwks-uri', 'jwks_uri'],
  ['subject-type', 'subject_type'],
  ['sector-identifier-uri', 'sector_identifier_uri'],
  ['tls-client-auth-subject-dn', 'tls_client_auth_subject_dn'],
  ['tls-client-auth-san-dns', 'tls_client_auth_san_dns'],
  ['tls-client-auth-san-uri', 'tls_client_auth_san_uri'],
  ['tls-client-auth-san-ip', 'tls_client_auth_san_ip'],
  ['tls-client-auth-san-email', 'tls_client_auth_san_email'],
]

/** Returns the client's everyday access to the account API from its flag; undefined without the flag. */
function readAccountAccess(flags: ClientFlags): AccountAccess | undefined {
  const value = flags['account-access']
  if (value === undefined || value === 'none' || value === 'everyday') return value
  throw new UsageError('--account-access takes none or everyday')
}

/** Reads RFC 7591 metadata from `--file` (`-` is standard input), overridden by the flags, and the client id if one is given. */
export function readClientRequest(flags: ClientFlags, terminal: Terminal) {
  const file = flags.file === undefined ? {} : readMetadataFile(String(flags.file), terminal)
  const { client_id, ...members } = file
  const given = MEMBER_OF_FLAG.flatMap(([flag, member]) => (flags[flag] === undefined ? [] : [[member, flags[flag]]]))
  const seconds = flags['access-token-seconds']
  const pkce = flags['require-pkce']
  return {
    clientId: (flags['client-id'] ?? client_id) as unknown,
    fromFile: flags.file !== undefined,
    accountAccess: readAccountAccess(flags),
    metadata: {
      ...metadataOfType(flags),
      ...members,
      ...Object.fromEntries(given),
      ...(seconds !== undefined && { access_token_seconds: wholeNumber('access-token-seconds', seconds) }),
      ...(flags.jwks !== undefined && { jwks: readObject(String(flags.jwks), terminal) }),
      ...(pkce !== undefined && { require_pkce: yesOrNo('require-pkce', pkce) }),
    } as Record<string, unknown>,
  }
}

function yesOrNo(flag: string, value: unknown): boolean {
  if (value !== 'true' && value !== 'false') throw new UsageError(`--${flag} takes true or false`)
  return value === 'true'
}

function readObject(path: string, { env }: Terminal): Record<string, unknown> {
  const parsed = parseFile(path === '-' ? 0 : resolve(env.INIT_CWD ?? '', path))
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  throw new RefusedError(`${path} is not a JSON object`)
}

function readMetadataFile(path: string, terminal: Terminal): Record<string, unknown> {
  const parsed = readObject(path, terminal)
  const known = new Set([...metadataNames(), 'client_id'])
  const ignored = Object.keys(parsed).filter((name) => !known.has(name))
  if (ignored.length > 0) terminal.err(`ignored in ${path}: ${ignored.join(', ')}`)
  return parsed
}

function parseFile(file: string | 0): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new RefusedError(`${file || 'Standard input'} cannot be read: ${(error as Error).message}`)
  }
}
