/** Scopes with a meaning of their own (docs/wire-contract.md 3.4). */
export const CATALOGUE: readonly string[] = [
  ...['read', 'write', 'delete', '*'].map((action) => `memories:${action}`),
  ...['read', 'write', '*'].flatMap((action) => ['secrets', 'profile', 'projects'].map((area) => `${area}:${action}`)),
  ...['read', 'write', 'connect', 'full', 'tools', 'resources', 'prompts', '*'].map((action) => `mcp:${action}`),
  ...['analytics:read', 'analytics:*', 'ai:chat', 'ai:*'],
  ...['tts', 'stt', 'transcribe', '*'].map((action) => `media:${action}`),
  ...['tags', 'summary', 'embedding', '*'].map((action) => `content:${action}`),
  ...[
    'api:access',
    'api-keys:read',
    'api-keys:write',
    'api-keys:*',
    'account:read',
    'account:write',
    'account:*',
    'admin:*',
    'legacy:full_access',
    '*',
  ],
]

const EVERYTHING = ['*', 'legacy:full_access']
const EVERYBODY = [
  ...['openid', 'profile', 'email', 'offline_access', 'read', 'write', 'api:access'],
  ...['memories:*', 'secrets:*', 'profile:*', 'projects:*', 'mcp:*', 'analytics:*', 'ai:*', 'media:*', 'content:*'],
  ...['api-keys:*', 'account:*'],
]

/**
 * What a person may have and pass on, by role; a role that is not here has what `user` has. So has `admin`, the operator of one
 * organization: what they may do there is no scope, since resource servers take `*` and `admin` for rights over everyone. Scopes that a
 * registered resource or application defines for itself are added, unless they are privileged.
 */
export const SCOPES_OF_ROLE: Readonly<Record<string, readonly string[]>> = {
  user: EVERYBODY,
  platform_admin: EVERYTHING,
  service_role: EVERYTHING,
}

const FORM = /^[a-z_-]{1,40}(:([a-z_-]{1,40}|\*)){1,4}$/
const ALIASES: [prefix: string, canonical: string][] = [
  ['memory:', 'memories:'],
  ['api_keys:manage', 'api-keys:*'],
]

/** The one spelling of a scope: `a.b` is `a:b`, `memory:*` is `memories:*`. */
export function canonicalScope(scope: string): string {
  const colons = scope.replaceAll('.', ':')
  const [alias, canonical] = ALIASES.find(([prefix]) => colons.startsWith(prefix)) ?? ['', '']
  return canonical + colons.slice(alias.length)
}

/**
 * Whether a scope means something here: one of the catalogue, one below its wildcards, or one that a resource defines.
 * @param defined scopes of registered resources
 */
export function isKnownScope(scope: string, defined: readonly string[] = []): boolean {
  const areas = CATALOGUE.filter((one) => one.endsWith(':*'))
  const isPlain = !scope.slice(0, -1).includes('*')
  return (
    CATALOGUE.includes(scope) || defined.includes(scope) || (isPlain && FORM.test(scope) && satisfies(areas, scope))
  )
}

function covers(grant: string, needed: string): boolean {
  if (EVERYTHING.includes(grant) || grant === needed) return true
  return grant.endsWith(':*') && needed.startsWith(grant.slice(0, -1))
}

/**
 * Whether granted scopes include a needed one. A wildcard covers everything below it; nothing narrower ever satisfies a
 * wildcard that is needed.
 */
export function satisfies(granted: readonly string[], needed: string): boolean {
  const wanted = canonicalScope(needed)
  return granted.some((one) => covers(canonicalScope(one), wanted))
}

/** What only operators and services have; consumers take any mention of `admin` for an administrator (docs/wire-contract.md 5.8). */
function isPrivileged(scope: string): boolean {
  return EVERYTHING.includes(scope) || scope.includes('admin') || /^(legacy|identities):/.test(scope)
}

/** What a person with this role may have. */
export const scopesOf = (role: string): readonly string[] =>
  (Object.hasOwn(SCOPES_OF_ROLE, role) && SCOPES_OF_ROLE[role]) || EVERYBODY
const isUnlimited = (role: string) => scopesOf(role).includes('*')

/** Whether a scope is for other roles than this one. */
export function isBeyondRole(role: string, scope: string): boolean {
  return isPrivileged(scope) && !isUnlimited(role)
}

/** The highest access level that a key of a person with this role can have. */
export const accessLevelOf = (role: string): string => (isUnlimited(role) ? 'admin' : 'team')

/**
 * Whether a person with this role may have a scope.
 * @param defined scopes that the resource or application in question defines for itself
 */
export function mayHold(role: string, scope: string, defined: readonly string[] = []): boolean {
  return !isBeyondRole(role, scope) && (satisfies(scopesOf(role), scope) || defined.includes(scope))
}
