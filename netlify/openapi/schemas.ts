import * as z from 'zod/mini'
import { list, orNull, role, time, tokenMembers } from './fields.ts'

/** A UAI, or the pairwise identifier for a client with `subject_type` pairwise. */
export const subject = () => z.string()

export const user = () =>
  z.object({
    id: subject(),
    email: z.string(),
    role: role(),
    project_scope: z.string(),
  })

/** The token pair of a direct sign-in (docs/wire-contract.md 1.4). */
export const pair = () =>
  z.object({ ...tokenMembers(), user: user(), cookies_set: z.boolean(), redirect_to: z.optional(z.string()) })
export const otpPair = () => z.object({ ...tokenMembers(), auth_method: z.enum(['otp', 'magic_link']), user: user() })
export const passkeyPair = () => z.object({ ...tokenMembers(), auth_method: z.literal('passkey'), user: user() })
export const linkPair = () =>
  z.extend(otpPair(), {
    success: z.literal(true),
    redirect_to: z.string(),
    cookies_set: z.optional(z.boolean()),
  })
export const refreshed = () =>
  z.object({
    ...tokenMembers(),
    scope: z.optional(z.string()),
    token: z.string(),
    expiresAt: time(),
    user: user(),
  })

const signedUp = () => ({ success: z.literal(true), message: z.string() })
const newcomer = () => z.object({ email: z.string(), plan: z.optional(z.string()) })
export const awaitsConfirmation = () =>
  z.object({ ...signedUp(), user: newcomer(), requires_confirmation: z.literal(true) })
export const signUp = () =>
  z.object({
    ...signedUp(),
    ...tokenMembers(),
    token: z.string(),
    cookies_set: z.boolean(),
    user: z.extend(user(), { plan: z.string() }),
  })
export const cliSignUp = () => z.object({ ...signedUp(), api_key: z.string(), access_token: z.string(), user: user() })

export const confirmation = () => z.looseObject({ jkt: z.optional(z.string()), 'x5t#S256': z.optional(z.string()) })

const principal = () => ({
  id: z.string(),
  sub: z.string(),
  uai: z.optional(z.uuid()),
  email: z.optional(z.string()),
  role: role(),
  plan: z.optional(z.string()),
  organization_id: z.optional(z.uuid()),
  actor_type: z.enum(['user', 'service']),
  aud: z.optional(z.union([z.string(), list()])),
  client_id: z.optional(z.string()),
  session_id: z.optional(z.uuid()),
  api_key_id: z.optional(z.uuid()),
  permissions: z.optional(list()),
  act: z.optional(z.looseObject({ sub: z.string() })),
  project_scope: z.string(),
  platform: z.string(),
  scope: z.string(),
  auth_source: z.enum(['oauth_token', 'sso_session', 'api_key', 'vendor_key', 'service_token']),
  credential_id: z.string(),
  exp: z.optional(z.int()),
  cnf: z.optional(confirmation()),
})
const ignored = () => z.optional(list())
export const verified = () =>
  z.object({ valid: z.literal(true), payload: z.object(principal()), ...principal(), ignored: ignored() })

export const verifiedKey = () =>
  z.object({
    valid: z.literal(true),
    userId: z.uuid(),
    organizationId: z.uuid(),
    keyId: z.uuid(),
    projectScope: z.string(),
    keyContext: orNull(z.string()),
    accessLevel: z.string(),
    permissions: list(),
    scope: z.string(),
    aud: principal().aud,
    client_id: principal().client_id,
    service: z.string(),
    services: z.array(z.looseObject({ service_key: z.string() })),
    serviceScope: z.optional(z.looseObject({ service_key: z.string() })),
    binding: z.object({ status: z.string(), client_id: z.optional(z.string()) }),
    expiresAt: orNull(time()),
    remainingUses: z.optional(z.int()),
    message: z.string(),
    ignored: ignored(),
  })

export const tokenVerdict = () =>
  z.union([
    z.object({
      valid: z.literal(true),
      type: z.enum(['api_key', 'jwt', 'oauth_access_token']),
      user: z.object({ id: z.string(), email: orNull(z.string()), role: role() }),
      scope: z.string(),
      aud: principal().aud,
      client_id: z.optional(z.string()),
      expires_at: z.optional(time()),
      ignored: ignored(),
    }),
    z.object({ valid: z.literal(false), error: z.string(), code: z.string(), ignored: ignored() }),
  ])

const actor = () =>
  z.object({
    actor_id: z.string(),
    actor_type: z.enum(['user', 'service']),
    user_id: orNull(subject()),
    organization_id: orNull(z.uuid()),
    project_scope: z.string(),
    api_key_id: orNull(z.uuid()),
    auth_source: principal().auth_source,
    request_id: z.string(),
    credential_id: z.string(),
    email: orNull(z.string()),
    scopes: list(),
    issued_at: orNull(time()),
    expires_at: z.optional(time()),
  })
export const identified = () =>
  z.object({
    valid: z.literal(true),
    active: z.literal(true),
    identity: actor(),
    error: z.null(),
    ...principal(),
    ignored: ignored(),
  })
export const notIdentified = () =>
  z.object({
    valid: z.literal(false),
    active: z.literal(false),
    identity: z.null(),
    error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
    ignored: ignored(),
  })

export const resolution = () =>
  z.object({
    success: z.literal(true),
    authId: orNull(subject()),
    organizationId: orNull(z.uuid()),
    authMethod: z.enum(['sso_cookie', 'bearer_token', 'api_key']),
    credentialId: z.string(),
    email: orNull(z.string()),
    fromCache: z.boolean(),
    requestId: z.string(),
    authSource: principal().auth_source,
    actorId: z.string(),
    actorType: z.string(),
    apiKeyId: z.optional(z.uuid()),
  })
export const openedApplication = () =>
  z.object({
    ...resolution().shape,
    ...tokenMembers(),
    client_id: z.string(),
    session_id: z.uuid(),
    user: user(),
  })

export const profile = () =>
  z.object({
    id: subject(),
    user_id: subject(),
    email: z.string(),
    name: orNull(z.string()),
    avatar_url: orNull(z.string()),
    role: role(),
    plan: z.string(),
    organization_id: orNull(z.uuid()),
    organizationId: orNull(z.uuid()),
    provider: z.string(),
    project_scope: z.string(),
    platform: z.string(),
    created_at: time(),
    createdAt: time(),
    last_sign_in_at: orNull(time()),
    lastLogin: orNull(time()),
    metadata: z.object({ locale: orNull(z.string()), timezone: orNull(z.string()) }),
  })
export const session = () =>
  z.object({
    id: z.uuid(),
    current: z.boolean(),
    platform: z.string(),
    ip_address: orNull(z.string()),
    user_agent: orNull(z.string()),
    created_at: time(),
    last_used_at: time(),
    expires_at: time(),
  })

const access = () => ({
  id: z.string(),
  client_id: z.string(),
  name: z.string(),
  scopes: list(),
  resources: list(),
  created_at: time(),
  last_used_at: orNull(time()),
  expires_at: z.optional(orNull(time())),
})
export const agents = () =>
  z.object({
    agents: z.array(z.object(access())),
    applications: z.array(z.object({ ...access(), first_party: z.boolean() })),
  })
