import * as z from 'zod'
import type { ClientMetadata } from '../../shared/domain/api-client.ts'
import { isLoopback, redirectUriFault } from '../../shared/oauth/redirect-uri.ts'
import { RefusedError } from './terminal.ts'

const text = z.string().trim().min(1, 'must not be empty').max(200)
const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
const scope = z
  .string()
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/, 'must be scopes, one space between')
const redirectUri = z.string().superRefine((uri, context) => {
  const fault = redirectUriFault(uri)
  if (fault) context.addIssue({ code: 'custom', message: `${uri} ${fault}` })
})

/** RFC 7591 section 2 as far as it means something here, and three members of our own. */
const metadata = z.object({
  client_name: text,
  application_type: z.enum(['native', 'web']).optional(),
  token_endpoint_auth_method: z.enum(['none', 'client_secret_basic', 'client_secret_post']).optional(),
  grant_types: z
    .array(z.enum(['authorization_code', 'refresh_token']))
    .default(['authorization_code', 'refresh_token']),
  response_types: z.array(z.enum(['code'])).default(['code']),
  redirect_uris: z.array(redirectUri).default([]),
  post_logout_redirect_uris: z.array(redirectUri).optional(),
  scope: scope.default('openid profile email'),
  default_scope: scope.optional(),
  access_token_seconds: z.number().int().min(60).max(86_400).optional(),
  require_pkce: z.boolean().optional(),
  client_uri: webUrl.optional(),
  logo_uri: webUrl.optional(),
  policy_uri: webUrl.optional(),
  tos_uri: webUrl.optional(),
  contacts: z.array(text).optional(),
})

/** Names of the members that are understood; RFC 7591 section 2 has others be ignored. */
export const metadataNames = Object.keys(metadata.shape)

/**
 * Client metadata with its defaults, checked for itself and for consistency.
 * @throws RefusedError that names every fault
 */
export function parseClientMetadata(given: Record<string, unknown>): ClientMetadata {
  const result = metadata.safeParse(given)
  if (!result.success)
    throw refused(result.error.issues.map(({ path: [name], message }) => `${String(name ?? 'metadata')}: ${message}`))
  const parsed = result.data
  const application_type = parsed.application_type ?? defaultApplicationType(parsed.redirect_uris)
  const complete: ClientMetadata = {
    ...parsed,
    application_type,
    token_endpoint_auth_method:
      parsed.token_endpoint_auth_method ?? (application_type === 'native' ? 'none' : 'client_secret_basic'),
    default_scope: parsed.default_scope ?? parsed.scope,
  }
  const faults = inconsistencies(complete)
  if (faults.length > 0) throw refused(faults)
  return complete
}

// Loopback and private-use schemes lead to a program on the person's own machine (RFC 8252 section 7).
function defaultApplicationType(redirectUris: string[]): 'native' | 'web' {
  const isNative = (uri: string) => isLoopback(uri) || !/^https?:/.test(uri)
  return redirectUris.length > 0 && redirectUris.every(isNative) ? 'native' : 'web'
}

function inconsistencies(client: ClientMetadata): string[] {
  const { grant_types, response_types, redirect_uris, token_endpoint_auth_method, require_pkce } = client
  const withCode = grant_types.includes('authorization_code')
  const allowed = new Set(client.scope.split(' '))
  const beyond = client.default_scope.split(' ').filter((one) => !allowed.has(one))
  const faults: [boolean, string][] = [
    [
      withCode !== response_types.includes('code'),
      'response_types: code and the grant type authorization_code need each other',
    ],
    [!withCode, 'grant_types: refresh_token alone gives no token'],
    [withCode && redirect_uris.length === 0, 'redirect_uris: at least one is needed'],
    [new Set(redirect_uris).size < redirect_uris.length, 'redirect_uris: one is there twice'],
    [beyond.length > 0, `default_scope: ${beyond.join(' ')} is not in scope`],
    [require_pkce === false && token_endpoint_auth_method === 'none', 'require_pkce: a public client needs PKCE'],
  ]
  return faults.filter(([wrong]) => wrong).map(([, message]) => message)
}

const refused = (faults: string[]) =>
  new RefusedError(`The client metadata is not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
