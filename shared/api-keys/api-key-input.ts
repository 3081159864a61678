import * as z from 'zod/mini'
import { canonicalScope } from '../../packages/auth-server/src/scope.ts'
import { bindingKey } from '../access/api-key-binding.ts'
import { isService } from '../access/service-catalogue.ts'
import { isNetwork } from '../addresses.ts'
import type { ApiKeySettings, Binding, ServiceScope } from '../domain/api-key-settings.ts'
import { ACCESS_LEVELS } from '../domain/derivation.ts'
import { isKnownScope } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import { once } from '../once.ts'

const DAY_MILLISECONDS = 86_400_000

/** The default scopes of a key. */
export const MINIMAL_SCOPES = ['memories:read']

/** What a key of a context needs in addition to its scopes (docs/wire-contract.md 1.7). */
const SCOPE_OF_CONTEXT: Record<string, string> = {
  personal: 'memories:personal:*',
  team: 'memories:team:*',
  enterprise: 'memories:*',
}

const text = (longest: number) => z.string().check(z.trim(), z.minLength(1), z.maxLength(longest))
const short = once(() => text(200))
const scopeList = once(() => z.union([z.array(text(200)).check(z.maxLength(100)), z.string().check(z.maxLength(4000))]))
const count = once(() => z.coerce.number().check(z.int(), z.minimum(1), z.maximum(1_000_000_000)))
const network = once(() => z.string().check(z.maxLength(60), z.refine(isNetwork, 'must be an address or a CIDR block')))

const isPublicKey = (value: Binding) => {
  try {
    const key = bindingKey(value)
    if (!key || value.public_key_pem?.includes('PRIVATE') || value.public_key_jwk?.d !== undefined) return !key
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
    return type === 'ed25519' || type === 'ec' || (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048)
  } catch {
    return false
  }
}

const binding = once(() =>
  z
    .object({
      audiences: z.optional(z.array(short()).check(z.maxLength(20))),
      client_id: z.optional(short()),
      installation_id: z.optional(short()),
      public_key_pem: z.optional(text(4000)),
      public_key_jwk: z.optional(z.record(z.string(), z.unknown())),
      require_request_signature: z.optional(z.boolean()),
    })
    .check(
      z.refine(isPublicKey, 'must contain a public key: RSA of 2048 bits or more, EC or Ed25519'),
      z.refine(
        (value) => !value.require_request_signature || value.public_key_pem || value.public_key_jwk,
        'needs a public key to check signatures with',
      ),
    ),
)

const rateLimits = once(() =>
  z.object({ max_calls_per_minute: z.optional(count()), max_calls_per_day: z.optional(count()) }),
)

const settable = once(() => ({
  description: z.optional(z.string().check(z.trim(), z.maxLength(1000))),
  access_level: z.optional(z.enum(ACCESS_LEVELS)),
  key_context: z.optional(z.enum(['personal', 'team', 'enterprise', 'none'])),
  scopes: z.optional(scopeList()),
  permissions: z.optional(scopeList()),
  expires_in_days: z.optional(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(3650))),
  expires_at: z.optional(z.iso.datetime({ offset: true, error: 'must be a date and time (RFC 3339)' })),
  binding: z.optional(binding()),
  consumer: z.optional(z.string().check(z.regex(/^[a-z0-9_-]{1,40}$/i))),
  service_type: z.optional(z.enum(['all', 'specific'])),
  service_keys: z.optional(z.array(text(100)).check(z.maxLength(50))),
  rate_limits: z.optional(rateLimits()),
  max_uses: z.optional(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(1_000_000_000))),
  limits_counted_by: z.optional(z.enum(['key', 'owner'])),
  allowed_networks: z.optional(z.array(network()).check(z.maxLength(50))),
}))

export const newKeyBody = once(() =>
  z.object({
    name: text(100),
    owner: z.optional(z.enum(['person', 'organization'])),
    ...settable(),
  }),
)

/** The reason, for the history. */
export const reason = once(() => z.optional(z.string().check(z.trim(), z.maxLength(500))))

export const keyChangesBody = once(() =>
  z.object({
    name: z.optional(text(100)),
    clear_expiry: z.optional(z.boolean()),
    reason: reason(),
    ...settable(),
  }),
)

export const serviceScopesBody = once(() =>
  z.object({
    service_keys: z.array(text(100), 'is required').check(z.minLength(1), z.maxLength(50)),
    allowed_actions: z.optional(z.array(text(100)).check(z.maxLength(50))),
    rate_limits: z.optional(rateLimits()),
  }),
)

export type NewKey = z.infer<ReturnType<typeof newKeyBody>>
export type KeyChanges = z.infer<ReturnType<typeof keyChangesBody>>

/**
 * Returns canonical scopes. Unknown ones are dropped while one remains (docs/wire-contract.md 3.4).
 * @param defined scopes that registered resources define
 */
function readScopes(given: string | string[], defined: readonly string[]): { scopes: string[]; unknown: string[] } {
  const asked = (typeof given === 'string' ? given.split(/[\s,]+/) : given).filter(Boolean).map(canonicalScope)
  const scopes = asked.filter((one) => isKnownScope(one, defined))
  if (scopes.length === 0 && asked.length > 0)
    throw new GatewayError('invalid_scope', { details: { scopes: ['none of them is known'] } })
  return { scopes, unknown: asked.filter((one) => !scopes.includes(one)) }
}

function readExpiry(given: KeyChanges, now: Date): string | undefined {
  const at = given.expires_in_days
    ? new Date(now.getTime() + given.expires_in_days * DAY_MILLISECONDS)
    : given.expires_at
      ? new Date(given.expires_at)
      : undefined
  if (at && (at <= now || at.getTime() > now.getTime() + 3650 * DAY_MILLISECONDS))
    throw new GatewayError('invalid_request', { details: { expires_at: ['must be within the next 3650 days'] } })
  return at?.toISOString()
}

/** Returns one entry per service with its limits. @throws GatewayError invalid_service */
export function readServices(
  names: string[],
  limits: { allowed_actions?: string[]; rate_limits?: z.infer<ReturnType<typeof rateLimits>> } = {},
): ServiceScope[] {
  if (!names.every(isService)) throw new GatewayError('invalid_service')
  const { allowed_actions, rate_limits } = limits
  return [...new Set(names)].map((service_key) => ({
    service_key,
    ...(allowed_actions && { allowed_actions }),
    ...rate_limits,
  }))
}

function readLimits(given: KeyChanges, before: ApiKeySettings['limits']): ApiKeySettings['limits'] {
  const { rate_limits = before, max_uses = before?.max_uses, limits_counted_by = before?.counted_by } = given
  const { max_calls_per_minute, max_calls_per_day } = rate_limits ?? {}
  if (!max_calls_per_minute && !max_calls_per_day && !max_uses) return undefined
  return {
    max_calls_per_minute,
    max_calls_per_day,
    max_uses: max_uses || undefined,
    ...(limits_counted_by === 'owner' && { counted_by: 'owner' }),
  }
}

const isEmpty = (value: object) => Object.keys(value).length === 0

/** The resulting settings of a key, with notes for the caller. */
export type Draft = { settings: ApiKeySettings; notes: string[] }

/**
 * Applies the settings in a request to the previous ones.
 * @param options.defined scopes that registered resources define
 * @throws GatewayError invalid_request, invalid_scope, invalid_service
 */
export function readSettings(
  given: KeyChanges,
  before: ApiKeySettings,
  { now, defined = [] }: { now: Date; defined?: readonly string[] },
): Draft {
  const context = given.key_context ?? before.keyContext ?? 'none'
  const asked = given.scopes ?? given.permissions
  const needed = SCOPE_OF_CONTEXT[context]
  const { scopes, unknown } = asked === undefined ? { scopes: before.scopes, unknown: [] } : readScopes(asked, defined)
  const all = [...new Set([...scopes, ...(needed ? [needed] : [])])].sort()
  if (all.length === 0) throw new GatewayError('invalid_scope', { details: { scopes: ['must not be empty'] } })
  const service = given.service_type ?? before.service
  if (service === 'specific' && !given.service_keys?.length && before.serviceScopes.length === 0)
    throw new GatewayError('invalid_request', { details: { service_keys: ['is required'] } })
  const named = given.service_keys ? readServices(given.service_keys) : before.serviceScopes
  const { binding: bound = before.binding, allowed_networks: networks = before.networks } = given
  const settings: ApiKeySettings = {
    scopes: all,
    accessLevel: given.access_level ?? before.accessLevel,
    keyContext: context === 'none' ? undefined : context,
    service,
    serviceScopes: service === 'all' ? [] : named,
    expiresAt: 'clear_expiry' in given && given.clear_expiry ? undefined : (readExpiry(given, now) ?? before.expiresAt),
    binding: bound && !isEmpty(bound) ? bound : undefined,
    limits: readLimits(given, before.limits),
    networks: networks?.length ? networks : undefined,
    consumer: given.consumer ?? before.consumer,
  }
  return { settings, notes: unknown.length > 0 ? [`Unknown and ignored: ${unknown.join(', ')}.`] : [] }
}

/** The initial settings of a key. */
export const PLAIN_SETTINGS: ApiKeySettings = {
  scopes: MINIMAL_SCOPES,
  accessLevel: 'authenticated',
  service: 'all',
  serviceScopes: [],
}
