import * as z from 'zod/mini'
import { list, tokenMembers } from './fields.ts'
import { confirmation } from './schemas.ts'

/** OAuth 2.1 section 3.2.3, OpenID Connect Core section 3.1.3.3, RFC 8693 section 2.2.1. */
export const tokenResponse = () =>
  z.object({
    ...tokenMembers(),
    id_token: z.optional(z.string()),
    issued_token_type: z.optional(z.string()),
  })

/** RFC 7662 section 2.2. */
export const introspection = () =>
  z.union([
    z.object({ active: z.literal(false) }),
    z.object({
      active: z.literal(true),
      iss: z.string(),
      sub: z.string(),
      sub_type: z.optional(z.literal('client')),
      user_id: z.optional(z.uuid()),
      client_id: z.optional(z.string()),
      api_key_id: z.optional(z.uuid()),
      scope: z.string(),
      token_type: z.enum(['Bearer', 'DPoP', 'refresh_token', 'api_key']),
      aud: z.optional(z.union([z.string(), list()])),
      iat: z.int(),
      exp: z.optional(z.int()),
      jti: z.optional(z.string()),
      cnf: z.optional(confirmation()),
      act: z.optional(z.looseObject({ sub: z.string() })),
      sid: z.optional(z.string()),
      auth_time: z.optional(z.int()),
      acr: z.optional(z.string()),
      amr: z.optional(list()),
      project_scope: z.optional(z.string()),
      organization_id: z.optional(z.uuid()),
      email: z.optional(z.string()),
    }),
  ])

/** RFC 7591 section 3.2.1, RFC 7592 section 3. */
export const clientInformation = () =>
  z.looseObject({
    client_id: z.string(),
    client_id_issued_at: z.int(),
    client_secret: z.optional(z.string()),
    client_secret_expires_at: z.optional(z.literal(0)),
    client_name: z.string(),
    redirect_uris: list(),
    grant_types: list(),
    response_types: list(),
    scope: z.string(),
    token_endpoint_auth_method: z.string(),
    registration_access_token: z.optional(z.string()),
    registration_client_uri: z.optional(z.string()),
  })

/** RFC 8628 section 3.2. */
export const deviceAuthorization = () =>
  z.object({
    device_code: z.string(),
    user_code: z.string(),
    verification_uri: z.url(),
    verification_uri_complete: z.url(),
    expires_in: z.int(),
    interval: z.int(),
  })

/** RFC 8414 section 2, OpenID Connect Discovery section 3. */
export const serverMetadata = () =>
  z.looseObject({
    issuer: z.url(),
    authorization_endpoint: z.url(),
    token_endpoint: z.url(),
    jwks_uri: z.url(),
    response_types_supported: list(),
    code_challenge_methods_supported: list(),
  })
export const keySet = () =>
  z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string() })) })
/** OpenID Connect Discovery section 3, of the issuer of a Supabase project. */
export const supabaseIssuer = () => z.looseObject({ issuer: z.url(), jwks_uri: z.url() })
/** RFC 9728 section 2. */
export const resourceMetadata = () => z.looseObject({ resource: z.string(), authorization_servers: list() })
