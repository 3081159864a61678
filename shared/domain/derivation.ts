import { satisfies } from '../../packages/auth-server/src/scope.ts'
import type { Binding, ServiceScope, UsageLimits } from './api-key-settings.ts'
import { blockContains } from './network.ts'

/** Access levels of API keys, lowest first. They are labels and grant nothing. */
export const ACCESS_LEVELS = ['public', 'authenticated', 'team', 'enterprise', 'admin'] as const

/** What a credential allows. A missing member sets no limit; a missing access level claims none. */
export type Authority = {
  scopes?: readonly string[]
  resources?: readonly string[]
  /** Expiry (RFC 3339). */
  expiresAt?: string
  /** Addresses it may be used from, as CIDR blocks; an empty list means any. */
  networks?: readonly string[]
  limits?: UsageLimits
  service?: 'all' | 'specific'
  serviceScopes?: readonly ServiceScope[]
  binding?: Binding
  /** Valid only with a proof of possession of a key or certificate. */
  bound?: boolean
  accessLevel?: string
}

/** A respect in which one credential can be wider or looser than another, as the API names it. */
type Respect =
  | 'scopes'
  | 'resources'
  | 'expires_at'
  | 'allowed_networks'
  | 'rate_limits'
  | 'service_keys'
  | 'binding'
  | 'proof'
  | 'access_level'

type Rule = {
  within: (made: Authority, from: Authority) => boolean
  /** Returns the widest authority within both when `made` exceeds `from`; undefined for an empty one. */
  narrow: (made: Authority, from: Authority) => Authority | undefined
}

const isAtMost = (made: number | undefined, most: number | undefined) =>
  most === undefined || (made !== undefined && made <= most)

const least = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)

const isSubset = (made: readonly string[] | undefined, from: readonly string[] | undefined) =>
  from === undefined || (made?.every((one) => from.includes(one)) ?? false)

/** The entries of either list that the other covers; all of the second if the first sets no limit. Undefined for none. */
function common(
  a: readonly string[] | undefined,
  b: readonly string[] = [],
  covers = (wide: string, narrow: string) => wide === narrow,
): string[] | undefined {
  const inA = (one: string) => a === undefined || a.some((wide) => covers(wide, one))
  const both = [...(a ?? []).filter((one) => b.some((wide) => covers(wide, one))), ...b.filter(inA)]
  return both.length > 0 ? [...new Set(both)].sort() : undefined
}

type Rates = Pick<UsageLimits, 'max_calls_per_minute' | 'max_calls_per_day'>

const ratesWithin = (made: Rates, from: Rates) =>
  isAtMost(made.max_calls_per_minute, from.max_calls_per_minute) &&
  isAtMost(made.max_calls_per_day, from.max_calls_per_day)

const leastRates = (a: Rates, b: Rates): Rates => ({
  max_calls_per_minute: least(a.max_calls_per_minute, b.max_calls_per_minute),
  max_calls_per_day: least(a.max_calls_per_day, b.max_calls_per_day),
})

const serviceWithin = (made: ServiceScope, from: ServiceScope) =>
  made.service_key === from.service_key &&
  isSubset(made.allowed_actions, from.allowed_actions) &&
  ratesWithin(made, from)

function narrowService(made: ServiceScope, from: ServiceScope): ServiceScope {
  const { service_key, allowed_actions: actions } = made
  const allowed = isSubset(actions, from.allowed_actions) ? actions : (common(actions, from.allowed_actions) ?? [])
  return { service_key, ...(allowed && { allowed_actions: allowed }), ...leastRates(made, from) }
}

/** The services it allows; undefined for all. */
const servicesOf = ({ service, serviceScopes = [] }: Authority) => (service === 'specific' ? serviceScopes : undefined)
/** The addresses it may be used from; undefined for all. */
const networksOf = ({ networks }: Authority) => (networks?.length ? networks : undefined)
const endOf = ({ expiresAt }: Authority) => (expiresAt === undefined ? undefined : Date.parse(expiresAt))
const rankOf = (level = '') => (ACCESS_LEVELS as readonly string[]).indexOf(level)

const BOUND_TO = ['client_id', 'installation_id', 'public_key_pem', 'public_key_jwk'] as const
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

function narrowBinding(made: Binding = {}, from: Binding = {}): Binding | undefined {
  const contradicts = BOUND_TO.some((name) => made[name] && from[name] && !isSame(made[name], from[name]))
  const within = isSubset(made.audiences, from.audiences)
  const audiences = within ? made.audiences : common(made.audiences, from.audiences)
  if (contradicts || (!within && !audiences)) return undefined
  const isSigned = made.require_request_signature || from.require_request_signature
  const bound = BOUND_TO.map((name) => [name, made[name] ?? from[name]]).filter(([, value]) => value !== undefined)
  const signed = isSigned && { require_request_signature: true }
  return { ...Object.fromEntries(bound), ...(audiences && { audiences }), ...signed }
}

/** Every respect in which a derived credential could be wider or looser than its source. */
const RULES: Record<Respect, Rule> = {
  scopes: {
    within: ({ scopes }, from) =>
      from.scopes === undefined || (scopes?.every((one) => satisfies(from.scopes ?? [], one)) ?? false),
    narrow: (made, from) => {
      const scopes = common(made.scopes, from.scopes, (wide, one) => satisfies([wide], one))
      return scopes && { scopes }
    },
  },
  resources: {
    within: (made, from) => isSubset(made.resources, from.resources),
    narrow: (made, from) => {
      const resources = common(made.resources, from.resources)
      return resources && { resources }
    },
  },
  expires_at: {
    within: (made, from) => isAtMost(endOf(made), endOf(from)),
    narrow: (_made, { expiresAt }) => ({ expiresAt }),
  },
  allowed_networks: {
    within: (made, from) => {
      const [inner, outer] = [networksOf(made), networksOf(from)]
      return !outer || (inner?.every((one) => outer.some((block) => blockContains(block, one))) ?? false)
    },
    narrow: (made, from) => {
      const networks = common(networksOf(made), from.networks, blockContains)
      return networks && { networks }
    },
  },
  rate_limits: {
    within: ({ limits: made = {} }, { limits: from = {} }) =>
      ratesWithin(made, from) &&
      isAtMost(made.max_uses, from.max_uses) &&
      (from.counted_by !== 'owner' || made.counted_by === 'owner'),
    narrow: ({ limits: made = {} }, { limits: from = {} }) => {
      const counted_by = made.counted_by === 'owner' || from.counted_by === 'owner' ? 'owner' : undefined
      const max_uses = least(made.max_uses, from.max_uses)
      return { limits: { ...leastRates(made, from), max_uses, ...(counted_by && { counted_by }) } }
    },
  },
  service_keys: {
    within: (made, from) => {
      const [inner, outer] = [servicesOf(made), servicesOf(from)]
      return !outer || (inner?.every((one) => outer.some((other) => serviceWithin(one, other))) ?? false)
    },
    narrow: (made, from) => {
      const [inner, outer = []] = [servicesOf(made), servicesOf(from)]
      const serviceScopes = outer.flatMap((other) => {
        const own = inner ? inner.find(({ service_key }) => service_key === other.service_key) : other
        return own ? [narrowService(own, other)] : []
      })
      return { service: 'specific', serviceScopes }
    },
  },
  binding: {
    within: ({ binding: made = {} }, { binding: from = {} }) =>
      isSubset(made.audiences, from.audiences) &&
      BOUND_TO.every((name) => from[name] === undefined || isSame(made[name], from[name])) &&
      (!from.require_request_signature || made.require_request_signature === true),
    narrow: (made, from) => {
      const binding = narrowBinding(made.binding, from.binding)
      return binding && { binding }
    },
  },
  proof: {
    within: (made, from) => !from.bound || made.bound === true,
    narrow: () => ({ bound: true }),
  },
  access_level: {
    within: (made, from) => from.accessLevel === undefined || rankOf(made.accessLevel) <= rankOf(from.accessLevel),
    narrow: (_made, { accessLevel }) => ({ accessLevel }),
  },
}

/**
 * Returns the respects in which a derived credential would be wider, looser or longer-lived than its source. No derivation may have
 * any: a key from a key, an agent's authority from a person's, a token from a token or key, a renewed token from its family.
 */
export function exceeds(made: Authority, from: Authority): Respect[] {
  return (Object.keys(RULES) as Respect[]).filter((respect) => !RULES[respect].within(made, from))
}

/** Narrows a derived credential to its source; undefined when nothing is left. */
export function tighten<A extends Authority>(made: A, from: Authority): A | undefined {
  let tightened = made
  for (const { within, narrow } of Object.values(RULES)) {
    if (within(tightened, from)) continue
    const narrowed = narrow(tightened, from)
    if (!narrowed) return undefined
    tightened = { ...tightened, ...narrowed }
  }
  return tightened
}

/** Returns the lower of two access levels. */
export const lowerLevel = (a: string, b: string): string => (rankOf(a) <= rankOf(b) ? a : b)
