import { EVERYTHING, satisfies } from '../../packages/auth-server/src/scope.ts'

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

const EVERYBODY = [
  ...['openid', 'profile', 'email', 'offline_access', 'read', 'write', 'api:access'],
  ...['memories:*', 'secrets:*', 'profile:*', 'projects:*', 'mcp:*', 'analytics:*', 'ai:*', 'media:*', 'content:*'],
  ...['api-keys:*', 'account:*'],
]

/**
 * Scopes that a person may have and delegate, by role; unlisted roles have those of `user`. So does `admin`, the operator of one
 * organization: that right is not a scope, since resource servers treat `*` and `admin` as rights over everyone. Non-privileged
 * scopes defined by a registered resource or application are added.
 */
export const SCOPES_OF_ROLE: Readonly<Record<string, readonly string[]>> = {
  user: EVERYBODY,
  platform_admin: EVERYTHING,
  service_role: EVERYTHING,
}

const FORM = /^[a-z_-]{1,40}(:([a-z_-]{1,40}|\*)){1,4}$/
/**
 * Whether a scope is known: in the catalogue, under one of its wildcards, or defined by a resource.
 * @param defined scopes of registered resources
 */
export function isKnownScope(scope: string, defined: readonly string[] = []): boolean {
  const areas = CATALOGUE.filter((one) => one.endsWith(':*'))
  const isPlain = !scope.slice(0, -1).includes('*')
  return (
    CATALOGUE.includes(scope) || defined.includes(scope) || (isPlain && FORM.test(scope) && satisfies(areas, scope))
  )
}

/** Scopes of operators and services only; consumers treat any mention of `admin` as administrator (docs/wire-contract.md 5.8). */
function isPrivileged(scope: string): boolean {
  return EVERYTHING.includes(scope) || scope.includes('admin') || /^(legacy|identities):/.test(scope)
}

/** The scopes that a person with this role may have. */
export const scopesOf = (role: string): readonly string[] =>
  (Object.hasOwn(SCOPES_OF_ROLE, role) && SCOPES_OF_ROLE[role]) || EVERYBODY
const isUnlimited = (role: string) => scopesOf(role).includes('*')

/** Whether a scope is reserved to other roles. */
export function isBeyondRole(role: string, scope: string): boolean {
  return isPrivileged(scope) && !isUnlimited(role)
}

/** The highest access level that a key of a person with this role can have. */
export const accessLevelOf = (role: string): string => (isUnlimited(role) ? 'admin' : 'team')

/**
 * Whether a person with this role may have a scope.
 * @param defined scopes defined by the resource or application
 */
export function mayHold(role: string, scope: string, defined: readonly string[] = []): boolean {
  return !isBeyondRole(role, scope) && (satisfies(scopesOf(role), scope) || defined.includes(scope))
}
