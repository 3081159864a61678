import { createPublicKey, type JsonWebKeyInput } from 'node:crypto'
import * as z from 'zod/mini'
import { CLIENT_SIGNING_ALGORITHMS, PRIVATE_JWK_MEMBERS } from '../../../packages/auth-server/src/signing-algorithms.ts'
import type { ClientMetadata, PublicJwk } from '../../domain/api-client.ts'
import { once } from '../../once.ts'
import { DEVICE_CODE, TOKEN_EXCHANGE } from './grant-types.ts'
import { ambiguityOf, isLoopback, isOnDevice, redirectUriProblem } from './redirect-uri.ts'

/** Grants for confidential clients without a person at a browser. */
const SERVICE_GRANTS = ['client_credentials', TOKEN_EXCHANGE]
const CERTIFICATE_NAMES = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const

const text = (longest = 200) =>
  z.string('must be a text').check(z.trim(), z.minLength(1, 'must not be empty'), z.maxLength(longest, 'is too long'))
/** A web address that every parser reads in the same way. A fragment is allowed. */
const webUrl = () =>
  z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).check(
    z.maxLength(2000),
    z.refine((value) => ambiguityOf(value.split('#', 1)[0] ?? '') === undefined, 'must be an http(s) URL'),
  )
const scope = () =>
  z
    .string('must be a text')
    .check(
      z.maxLength(2000, 'is too long'),
      z.regex(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/, 'must be scopes, one space between'),
    )
const redirectUris = () =>
  z
    .array(z.string('must be a text').check(z.maxLength(2000, 'is too long')), 'must be a list')
    .check(z.maxLength(20, 'has too many'))
const webOrigins = () =>
  z
    .array(
      z.string('must be a text').check(
        z.maxLength(300, 'is too long'),
        z.refine((value) => isWebOrigin(value), 'must be origins such as https://app.example'),
      ),
      'must be a list',
    )
    .check(z.minLength(1, 'must not be empty'), z.maxLength(20, 'has too many'))
const resources = () => z.array(webUrl(), 'must be a list').check(z.maxLength(20, 'has too many'))

/** Whether a value is an origin as browsers send it, at https or on loopback. */
const isWebOrigin = (value: string) =>
  URL.canParse(value) && new URL(value).origin === value && (value.startsWith('https:') || isLoopback(value))

/** Returns why a key cannot be registered; undefined if it can. */
export function keyProblem(jwk: PublicJwk): string | undefined {
  if (PRIVATE_JWK_MEMBERS.some((name) => name in jwk)) return 'must contain public keys only'
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' } as JsonWebKeyInput)
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
    const isStrong = type === 'ec' || type === 'ed25519' || (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048)
    return isStrong ? undefined : 'must contain RSA keys of 2048 bits or more, EC or Ed25519 keys'
  } catch {
    return 'contains something that is not a key'
  }
}

const keySet = () =>
  z
    .object({
      keys: z
        .array(z.looseObject({ kty: z.string(), kid: z.optional(z.string()) }), 'must be a list')
        .check(z.minLength(1, 'must not be empty'), z.maxLength(20, 'has too many')),
    })
    .check((context) => {
      const problem = context.value.keys.map((key) => keyProblem(key as PublicJwk)).find(Boolean)
      if (problem) context.issues.push({ code: 'custom', message: problem, input: context.value })
    })

/** The supported members of RFC 7591 section 2, RFC 8705 and RFC 9449, and our own. */
const metadata = once(() =>
  z.object({
    client_name: text(100),
    application_type: z.optional(z.enum(['native', 'web'], 'must be native or web')),
    token_endpoint_auth_method: z.optional(
      z.enum(
        [
          'none',
          'client_secret_basic',
          'client_secret_post',
          'private_key_jwt',
          'tls_client_auth',
          'self_signed_tls_client_auth',
        ],
        'is not supported',
      ),
    ),
    token_endpoint_auth_signing_alg: z.optional(
      z.enum(CLIENT_SIGNING_ALGORITHMS as [string, ...string[]], 'is not supported'),
    ),
    introspection_signed_response_alg: z.optional(z.enum(['RS256', 'ES256'], 'is not supported')),
    grant_types: z._default(
      z.array(
        z.enum(['authorization_code', 'refresh_token', DEVICE_CODE, ...SERVICE_GRANTS], 'is not supported'),
        'must be a list',
      ),
      ['authorization_code', 'refresh_token'],
    ),
    response_types: z.optional(z.array(z.enum(['code'], 'is not supported'), 'must be a list')),
    redirect_uris: z._default(redirectUris(), []),
    post_logout_redirect_uris: z.optional(redirectUris()),
    web_origins: z.optional(webOrigins()),
    scope: z._default(scope(), 'openid profile email'),
    default_scope: z.optional(scope()),
    access_token_seconds: z.optional(
      z
        .number('must be a number')
        .check(z.int('must be whole'), z.minimum(60, 'must be 60 or more'), z.maximum(86_400, 'must be 86400 or less')),
    ),
    require_pkce: z.optional(z.boolean()),
    client_uri: z.optional(webUrl()),
    logo_uri: z.optional(webUrl()),
    brand_color: z.optional(z.string().check(z.regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #0b5c52'))),
    policy_uri: z.optional(webUrl()),
    tos_uri: z.optional(webUrl()),
    contacts: z.optional(z.array(text()).check(z.maxLength(20, 'has too many'))),
    subject_type: z.optional(z.enum(['public', 'pairwise'], 'must be public or pairwise')),
    sector_identifier_uri: z.optional(webUrl()),
    jwks: z.optional(keySet()),
    jwks_uri: z.optional(webUrl()),
    tls_client_auth_subject_dn: z.optional(text(500)),
    tls_client_auth_san_dns: z.optional(text(255)),
    tls_client_auth_san_uri: z.optional(text(500)),
    tls_client_auth_san_ip: z.optional(text(50)),
    tls_client_auth_san_email: z.optional(text(254)),
    tls_client_certificate_bound_access_tokens: z.optional(z.boolean()),
    dpop_bound_access_tokens: z.optional(z.boolean()),
    require_pushed_authorization_requests: z.optional(z.boolean()),
    resources: z.optional(resources()),
    exchange_resources: z.optional(resources()),
    software_id: z.optional(text(100)),
    software_version: z.optional(text(100)),
  }),
)

/** Names of the supported members. Others are ignored (RFC 7591 section 2). */
export const metadataNames = () => Object.keys(metadata().shape)

type MetadataProblem = { member: string; message: string }
type ParsedMetadata =
  | { metadata: ClientMetadata; problems?: undefined }
  | { metadata?: undefined; problems: MetadataProblem[] }

/**
 * Parses client metadata, adds defaults, and checks each member and their consistency.
 * @param schemes private-use schemes without a dot that redirect URIs may have
 */
export function parseClientMetadata(given: Record<string, unknown>, schemes: readonly string[]): ParsedMetadata {
  const result = metadata().safeParse(given)
  if (!result.success)
    return {
      problems: result.error.issues.map(({ path: [name], message }) => ({
        member: String(name ?? 'metadata'),
        message: given[String(name)] === undefined ? 'is required' : message,
      })),
    }
  const parsed = result.data
  const application_type = parsed.application_type ?? defaultApplicationType(parsed.redirect_uris)
  const complete: ClientMetadata = {
    ...parsed,
    application_type,
    response_types: parsed.response_types ?? (parsed.grant_types.includes('authorization_code') ? ['code'] : []),
    token_endpoint_auth_method:
      parsed.token_endpoint_auth_method ?? (application_type === 'native' ? 'none' : 'client_secret_basic'),
    default_scope: parsed.default_scope ?? parsed.scope,
    jwks: parsed.jwks as ClientMetadata['jwks'],
  }
  if (!complete.jwks) delete complete.jwks
  const unusable = redirectUriProblems(complete, schemes)
  const problems = unusable.length > 0 ? unusable : inconsistencies(complete)
  return problems.length > 0 ? { problems } : { metadata: complete }
}

// Loopback and private-use schemes lead to a program on the person's own machine (RFC 8252 section 7).
function defaultApplicationType(uris: string[]): 'native' | 'web' {
  return uris.length > 0 && uris.every(isOnDevice) ? 'native' : 'web'
}

function redirectUriProblems(client: ClientMetadata, schemes: readonly string[]): MetadataProblem[] {
  return (['redirect_uris', 'post_logout_redirect_uris'] as const).flatMap((member) =>
    (client[member] ?? []).flatMap((uri) => {
      const problem = redirectUriProblem(uri, schemes)
      return problem ? [{ member, message: `${uri} ${problem}` }] : []
    }),
  )
}

function inconsistencies(client: ClientMetadata): MetadataProblem[] {
  const { grant_types, response_types, redirect_uris, token_endpoint_auth_method: method, require_pkce } = client
  const withCode = grant_types.includes('authorization_code')
  const service = grant_types.some((one) => SERVICE_GRANTS.includes(one))
  const allowed = new Set(client.scope.split(' '))
  const beyond = client.default_scope.split(' ').filter((one) => !allowed.has(one))
  const names = CERTIFICATE_NAMES.filter((name) => client[name] !== undefined)
  const hasKeys = client.jwks !== undefined || client.jwks_uri !== undefined
  const pairwise = client.subject_type === 'pairwise'
  const { sector_identifier_uri: sector } = client
  const hosts = new Set(redirect_uris.filter((uri) => uri.startsWith('https:')).map((uri) => new URL(uri).host))
  const needsKeys = method === 'private_key_jwt' || method === 'self_signed_tls_client_auth'
  const problems: [boolean, string, string][] = [
    [
      withCode !== response_types.includes('code'),
      'response_types',
      'code and the grant type authorization_code require each other',
    ],
    [
      !withCode && !service && !grant_types.includes(DEVICE_CODE),
      'grant_types',
      'refresh_token needs another grant type',
    ],
    [service && method === 'none', 'grant_types', 'a public client cannot get tokens in its own name'],
    [withCode && redirect_uris.length === 0, 'redirect_uris', 'at least one is needed'],
    [new Set(redirect_uris).size < redirect_uris.length, 'redirect_uris', 'contains a duplicate'],
    [beyond.length > 0, 'default_scope', `${beyond.join(' ')} is not in scope`],
    [require_pkce === false && method === 'none', 'require_pkce', 'must be true for a public client'],
    [client.jwks !== undefined && client.jwks_uri !== undefined, 'jwks', 'use jwks or jwks_uri, not both'],
    [
      pairwise && sector === undefined && hosts.size > 1,
      'sector_identifier_uri',
      'is required, since the redirect URIs have several hosts',
    ],
    [needsKeys && !hasKeys, 'jwks', `is needed for ${method}`],
    [
      method === 'tls_client_auth' && names.length !== 1,
      'tls_client_auth',
      'exactly one name of the certificate is required',
    ],
    [method !== 'tls_client_auth' && names.length > 0, names[0] ?? '', 'is for tls_client_auth only'],
  ]
  return problems.filter(([wrong]) => wrong).map(([, member, message]) => ({ member, message }))
}
