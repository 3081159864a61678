import * as z from 'zod/mini'

const time = z.iso.datetime()
const orNull = z.nullable
const list = z.array(z.string())
const role = z.string()

/** A UAI, or what a client with `subject_type` pairwise knows the person by. */
export const subject = z.string()

export const user = z.object({
  id: subject,
  email: z.string(),
  role,
  project_scope: z.string(),
})

const tokenMembers = {
  token_type: z.enum(['Bearer', 'DPoP']),
  access_token: z.string(),
  expires_in: z.int(),
  refresh_token: z.optional(z.string()),
  refresh_expires_in: z.optional(z.int()),
  scope: z.string(),
}
/** OAuth 2.1 section 3.2.3, OpenID Connect Core section 3.1.3.3, RFC 8693 section 2.2.1. */
export const tokenResponse = z.object({
  ...tokenMembers,
  id_token: z.optional(z.string()),
  issued_token_type: z.optional(z.string()),
})

/** The pair of a direct sign-in (docs/wire-contract.md 1.4). */
export const pair = z.object({ ...tokenMembers, user, cookies_set: z.boolean(), redirect_to: z.optional(z.string()) })
export const otpPair = z.object({ ...tokenMembers, auth_method: z.enum(['otp', 'magic_link']), user })
export const linkPair = z.extend(otpPair, {
  success: z.literal(true),
  redirect_to: z.string(),
  cookies_set: z.optional(z.boolean()),
})
export const refreshed = z.object({
  ...tokenMembers,
  scope: z.optional(z.string()),
  token: z.string(),
  expiresAt: time,
  user,
})

const signedUp = { success: z.literal(true), message: z.string() }
const newcomer = z.object({ email: z.string(), plan: z.optional(z.string()) })
export const awaitsConfirmation = z.object({ ...signedUp, user: newcomer, requires_confirmation: z.literal(true) })
export const signUp = z.object({
  ...signedUp,
  ...tokenMembers,
  token: z.string(),
  cookies_set: z.boolean(),
  user: z.extend(user, { plan: z.string() }),
})
export const cliSignUp = z.object({ ...signedUp, api_key: z.string(), access_token: z.string(), user })

export const confirmation = z.looseObject({ jkt: z.optional(z.string()), 'x5t#S256': z.optional(z.string()) })

const principal = {
  id: z.string(),
  sub: z.string(),
  uai: z.optional(z.uuid()),
  email: z.optional(z.string()),
  role,
  plan: z.optional(z.string()),
  organization_id: z.optional(z.uuid()),
  actor_type: z.enum(['user', 'service']),
  aud: z.optional(z.union([z.string(), list])),
  client_id: z.optional(z.string()),
  session_id: z.optional(z.uuid()),
  api_key_id: z.optional(z.uuid()),
  permissions: z.optional(list),
  act: z.optional(z.looseObject({ sub: z.string() })),
  project_scope: z.string(),
  platform: z.string(),
  scope: z.string(),
  auth_source: z.enum(['oauth_token', 'sso_session', 'api_key', 'vendor_key', 'service_token']),
  credential_id: z.string(),
  exp: z.optional(z.int()),
  cnf: z.optional(confirmation),
}
const ignored = z.optional(list)
export const verified = z.object({ valid: z.literal(true), payload: z.object(principal), ...principal, ignored })

export const verifiedKey = z.object({
  valid: z.literal(true),
  userId: z.uuid(),
  organizationId: z.uuid(),
  keyId: z.uuid(),
  projectScope: z.string(),
  keyContext: orNull(z.string()),
  accessLevel: z.string(),
  permissions: list,
  scope: z.string(),
  aud: principal.aud,
  client_id: principal.client_id,
  service: z.string(),
  services: z.array(z.looseObject({ service_key: z.string() })),
  serviceScope: z.optional(z.looseObject({ service_key: z.string() })),
  binding: z.object({ status: z.string(), client_id: z.optional(z.string()) }),
  expiresAt: orNull(time),
  remainingUses: z.optional(z.int()),
  message: z.string(),
  ignored,
})

export const tokenVerdict = z.union([
  z.object({
    valid: z.literal(true),
    type: z.enum(['api_key', 'jwt', 'oauth_access_token']),
    user: z.object({ id: z.string(), email: orNull(z.string()), role }),
    scope: z.string(),
    aud: principal.aud,
    client_id: z.optional(z.string()),
    expires_at: z.optional(time),
    ignored,
  }),
  z.object({ valid: z.literal(false), error: z.string(), code: z.string(), ignored }),
])

const actor = z.object({
  actor_id: z.string(),
  actor_type: z.enum(['user', 'service']),
  user_id: orNull(subject),
  organization_id: orNull(z.uuid()),
  project_scope: z.string(),
  api_key_id: orNull(z.uuid()),
  auth_source: principal.auth_source,
  request_id: z.string(),
  credential_id: z.string(),
  email: orNull(z.string()),
  scopes: list,
  issued_at: orNull(time),
  expires_at: z.optional(time),
})
export const identified = z.object({
  valid: z.literal(true),
  active: z.literal(true),
  identity: actor,
  error: z.null(),
  ...principal,
  ignored,
})
export const notIdentified = z.object({
  valid: z.literal(false),
  active: z.literal(false),
  identity: z.null(),
  error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  ignored,
})

/** RFC 7662 section 2.2. */
export const introspection = z.union([
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
    aud: z.optional(z.union([z.string(), list])),
    iat: z.int(),
    exp: z.optional(z.int()),
    jti: z.optional(z.string()),
    cnf: z.optional(confirmation),
    act: z.optional(z.looseObject({ sub: z.string() })),
    sid: z.optional(z.string()),
    auth_time: z.optional(z.int()),
    acr: z.optional(z.string()),
    amr: z.optional(list),
    project_scope: z.optional(z.string()),
    organization_id: z.optional(z.uuid()),
    email: z.optional(z.string()),
  }),
])

export const resolution = z.object({
  success: z.literal(true),
  authId: orNull(subject),
  organizationId: orNull(z.uuid()),
  authMethod: z.enum(['sso_cookie', 'bearer_token', 'api_key']),
  credentialId: z.string(),
  email: orNull(z.string()),
  fromCache: z.boolean(),
  requestId: z.string(),
  authSource: principal.auth_source,
  actorId: z.string(),
  actorType: z.string(),
  apiKeyId: z.optional(z.uuid()),
})
export const openedApplication = z.object({
  ...resolution.shape,
  ...tokenMembers,
  client_id: z.string(),
  session_id: z.uuid(),
  user,
})

export const profile = z.object({
  id: subject,
  user_id: subject,
  email: z.string(),
  name: orNull(z.string()),
  avatar_url: orNull(z.string()),
  role,
  plan: z.string(),
  organization_id: orNull(z.uuid()),
  organizationId: orNull(z.uuid()),
  provider: z.string(),
  project_scope: z.string(),
  platform: z.string(),
  created_at: time,
  createdAt: time,
  last_sign_in_at: orNull(time),
  lastLogin: orNull(time),
  metadata: z.object({ locale: orNull(z.string()), timezone: orNull(z.string()) }),
})
export const session = z.object({
  id: z.uuid(),
  current: z.boolean(),
  platform: z.string(),
  ip_address: orNull(z.string()),
  user_agent: orNull(z.string()),
  created_at: time,
  last_used_at: time,
  expires_at: time,
})

const serviceScope = z.object({
  service_key: z.string(),
  allowed_actions: z.optional(list),
  max_calls_per_minute: z.optional(z.int()),
  max_calls_per_day: z.optional(z.int()),
})
export const apiKey = z.object({
  id: z.uuid(),
  name: z.string(),
  description: orNull(z.string()),
  user_id: z.uuid(),
  organization_id: z.uuid(),
  owner: z.enum(['person', 'organization']),
  parent_id: orNull(z.uuid()),
  access_level: z.string(),
  key_context: orNull(z.string()),
  permissions: list,
  scopes: list,
  service: z.enum(['all', 'specific']),
  service_scopes: z.array(serviceScope),
  binding: orNull(z.looseObject({})),
  rate_limits: orNull(z.object({ max_calls_per_minute: z.optional(z.int()), max_calls_per_day: z.optional(z.int()) })),
  limits_counted_by: orNull(z.enum(['key', 'owner'])),
  max_uses: orNull(z.int()),
  remaining_uses: orNull(z.int()),
  allowed_networks: list,
  consumer: orNull(z.string()),
  key_preview: orNull(z.string()),
  status: z.string(),
  is_active: z.boolean(),
  uses_today: z.int(),
  expires_at: orNull(time),
  last_used_at: orNull(time),
  rotated_at: orNull(time),
  created_at: time,
})
export const apiKeyWithSecret = z.extend(apiKey, { key: z.string() })

export const project = z.object({
  id: z.uuid(),
  name: z.string(),
  description: orNull(z.string()),
  organizationId: z.uuid(),
  ownerId: z.uuid(),
  teamMembers: list,
  settings: z.looseObject({}),
  createdAt: time,
  updatedAt: time,
})
export const storedKey = z.object({
  id: z.uuid(),
  name: z.string(),
  encryptedValue: orNull(z.string()),
  keyType: z.string(),
  environment: z.string(),
  projectId: z.uuid(),
  organizationId: z.uuid(),
  accessLevel: z.string(),
  status: z.string(),
  tags: list,
  usageCount: z.int(),
  lastRotated: orNull(time),
  rotationFrequency: orNull(z.string()),
  expiresAt: orNull(z.string()),
  metadata: z.looseObject({}),
  createdBy: z.uuid(),
  createdAt: time,
  updatedAt: time,
})

/** RFC 7591 section 3.2.1, RFC 7592 section 3. */
export const clientInformation = z.looseObject({
  client_id: z.string(),
  client_id_issued_at: z.int(),
  client_secret: z.optional(z.string()),
  client_secret_expires_at: z.optional(z.literal(0)),
  client_name: z.string(),
  redirect_uris: list,
  grant_types: list,
  response_types: list,
  scope: z.string(),
  token_endpoint_auth_method: z.string(),
  registration_access_token: z.optional(z.string()),
  registration_client_uri: z.optional(z.string()),
})

/** RFC 8628 section 3.2. */
export const deviceAuthorization = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.url(),
  verification_uri_complete: z.url(),
  expires_in: z.int(),
  interval: z.int(),
})

/** RFC 8414 section 2, OpenID Connect Discovery section 3. */
export const serverMetadata = z.looseObject({
  issuer: z.url(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
  response_types_supported: list,
  code_challenge_methods_supported: list,
})
export const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string() })) })
/** RFC 9728 section 2. */
export const resourceMetadata = z.looseObject({ resource: z.string(), authorization_servers: list })

const access = {
  id: z.string(),
  client_id: z.string(),
  name: z.string(),
  scopes: list,
  resources: list,
  created_at: time,
  last_used_at: orNull(time),
  expires_at: z.optional(orNull(time)),
}
export const agents = z.object({
  agents: z.array(z.object(access)),
  applications: z.array(z.object({ ...access, first_party: z.boolean() })),
})
