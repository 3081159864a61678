import type { AccountAccess, ClientMetadata } from '../../shared/domain/api-client.ts'
import { metadataNames } from '../../shared/oauth/clients/client-metadata.ts'
import { DEVICE_CODE } from '../../shared/oauth/clients/grant-types.ts'
import { boolean, type Flags, reason, string, strings } from './operator.ts'
import { RefusedError, readFileOf, type Terminal, UsageError, wholeNumber } from './terminal.ts'

const one = (member: string) => ({ ...string, member }) as const
const many = (member: string) => ({ ...strings, member }) as const
const yes = (member: string) => ({ ...boolean, member }) as const

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

/** Flags of `npm run clients` for `parseArgs`. */
export const clientOptions = {
  ...METADATA,
  ...{ 'access-token-seconds': string, jwks: string, 'require-pkce': string },
  ...{ 'account-access': string, 'client-id': string, file: string, overlap: string, reason, type: string },
  'first-party': boolean,
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

type Kind = { meaning: string; metadata: Partial<ClientMetadata> }

/** Kinds of clients and their metadata, which single flags override. */
const KINDS: Record<string, Kind> = {
  web: {
    meaning: 'a confidential web client: its server has a secret',
    metadata: { application_type: 'web', token_endpoint_auth_method: 'client_secret_basic' },
  },
  spa: {
    meaning: 'a public browser client: it has no secret and uses PKCE',
    metadata: { application_type: 'web', token_endpoint_auth_method: 'none' },
  },
  native: {
    meaning: 'a public native client: it has no secret and uses PKCE',
    metadata: { application_type: 'native', token_endpoint_auth_method: 'none' },
  },
  device: {
    meaning: 'a public device client: its user signs in on another device',
    metadata: {
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: [DEVICE_CODE, 'refresh_token'],
    },
  },
  service: {
    meaning: 'a service: it gets tokens in its own name, without a user',
    metadata: {
      application_type: 'web',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
    },
  },
}

export const CLIENT_KINDS = Object.keys(KINDS).join('|')

/**
 * Returns the metadata of a `--type`; none without it.
 * @throws UsageError for an unknown type
 */
function metadataOfType(type: string | undefined): Partial<ClientMetadata> {
  if (type === undefined) return {}
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  if (!kind) throw new UsageError(`--type takes ${CLIENT_KINDS.replaceAll('|', ', ')}`)
  return kind.metadata
}

function kindOf({ grant_types, application_type, token_endpoint_auth_method }: ClientMetadata): string {
  const isPublic = token_endpoint_auth_method === 'none'
  if (!grant_types.includes('authorization_code')) return isPublic ? 'device' : 'service'
  if (!isPublic) return 'web'
  return application_type === 'native' ? 'native' : 'spa'
}

/** Describes a new client in one or two sentences: its kind, and why it has that kind if no flag said so. */
export function describeNewClient(metadata: ClientMetadata, given: Record<string, unknown>): string {
  const kind = kindOf(metadata)
  const added = `Added ${KINDS[kind]?.meaning}.`
  if (given.token_endpoint_auth_method !== undefined) return added
  const why =
    metadata.application_type === 'native'
      ? 'every redirect URI leads to the user’s own machine'
      : 'it is reached at a website or has no redirect URI'
  return `${added} No --type or --auth-method was given, and ${why}.`
}
