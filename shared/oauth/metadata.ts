import { CLIENT_SIGNING_ALGORITHMS } from '../../packages/auth-server/src/signing-algorithms.ts'
import type { Gateway } from '../gateway.ts'
import type { Resource } from '../queries/authorizations.ts'
import { supabaseIssuer } from '../tokens/jwt.ts'
import { SUPPORTED_ACR } from './authorize/requested-acr.ts'
import { SUPPORTED_GRANT_TYPES } from './clients/grant-types.ts'
import { SUPPORTED_SCOPES } from './token/scope.ts'

const CLIENT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']
/** Only behind a proxy that requests certificates (RFC 8705 sections 2.1.1, 3.3 and 5). */
const CERTIFICATE_METHODS = ['tls_client_auth', 'self_signed_tls_client_auth']

/** The endpoints that clients call directly, with their certificate if they have one. */
function clientEndpoints(base: string) {
  return {
    token_endpoint: `${base}/oauth/token`,
    userinfo_endpoint: `${base}/oauth/userinfo`,
    revocation_endpoint: `${base}/oauth/revoke`,
    introspection_endpoint: `${base}/oauth/introspect`,
    device_authorization_endpoint: `${base}/oauth/device`,
    pushed_authorization_request_endpoint: `${base}/oauth/par`,
  }
}

/** Server metadata (RFC 8414 section 2, OpenID Connect Discovery section 3): only what is supported. */
export function serverMetadata({ issuer, config }: Pick<Gateway, 'issuer' | 'config'>) {
  const proxy = config.MTLS_PROXY_SECRET && config.MTLS_BASE_URL
  const methods = proxy ? [...CLIENT_AUTH_METHODS, ...CERTIFICATE_METHODS] : CLIENT_AUTH_METHODS
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    ...clientEndpoints(issuer),
    jwks_uri: `${issuer}/oauth/jwks.json`,
    end_session_endpoint: `${issuer}/oauth/logout`,
    registration_endpoint: `${issuer}/register`,
    scopes_supported: SUPPORTED_SCOPES,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: SUPPORTED_GRANT_TYPES,
    authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: CLIENT_SIGNING_ALGORITHMS,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: CLIENT_SIGNING_ALGORITHMS,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: CLIENT_SIGNING_ALGORITHMS,
    ...(proxy && {
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: clientEndpoints(proxy),
    }),
    dpop_signing_alg_values_supported: CLIENT_SIGNING_ALGORITHMS,
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
    require_pushed_authorization_requests: config.REQUIRE_PUSHED_AUTHORIZATION_REQUESTS,
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    introspection_signing_alg_values_supported: ['RS256', 'ES256'],
    claims_supported: [
      'sub',
      'iss',
      'aud',
      'exp',
      'iat',
      'auth_time',
      'nonce',
      'acr',
      'amr',
      'sid',
      'at_hash',
      'email',
      'email_verified',
      'name',
      'locale',
      'updated_at',
    ],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    acr_values_supported: SUPPORTED_ACR,
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    service_documentation: 'https://docs.lanonasis.com/auth',
  }
}

/** Metadata of the issuer of a Supabase project's tokens: what Supabase reads of it (OpenID Connect Discovery section 3). */
export function supabaseMetadata({ issuer }: Pick<Gateway, 'issuer'>, resourceId: string) {
  const own = supabaseIssuer(issuer, resourceId)
  return {
    issuer: own,
    jwks_uri: `${own}/jwks.json`,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    response_types_supported: ['code'],
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: ['ES256'],
  }
}

/** Protected resource metadata, with the minimal useful scopes (RFC 9728 section 2). */
export function resourceMetadata(issuer: string, { identifier, name, scopes }: Resource) {
  return {
    resource: identifier,
    authorization_servers: [issuer],
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    resource_name: name,
    dpop_signing_alg_values_supported: CLIENT_SIGNING_ALGORITHMS,
  }
}

/** The ecosystem's own discovery document: where to sign in, and where the API and the MCP server are. */
export function ecosystemDocument({ issuer, config }: Pick<Gateway, 'issuer' | 'config'>) {
  const { API_URL, MCP_URL } = config
  return {
    auth: {
      base: issuer,
      login: `${issuer}/auth/cli-login`,
      logout: `${issuer}/web/logout`,
      oauth: {
        authorize: `${issuer}/oauth/authorize`,
        token: `${issuer}/oauth/token`,
        revoke: `${issuer}/oauth/revoke`,
        device: `${issuer}/oauth/device`,
      },
    },
    endpoints: {
      http: `${API_URL}/api/v1`,
      websocket: `${MCP_URL.replace(/^http/, 'ws')}/ws`,
      sse: `${MCP_URL}/api/v1/events`,
    },
    capabilities: ['auth', 'oauth', 'device', 'otp', 'api-keys', 'mcp'],
  }
}
