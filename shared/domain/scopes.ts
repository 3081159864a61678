/** Scopes with a meaning of their own (wire-contract 3.4); any other one of the same form belongs to an application. */
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

const FORM = /^[a-z_]{1,40}(:([a-z_]{1,40}|\*)){1,4}$/
const PRIVILEGED_ROLES = ['admin', 'platform_admin', 'service_role']
const EVERYTHING = ['*', 'legacy:full_access']
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

/** Whether a key may carry a scope of this name; a wildcard only ends one. */
export function isScope(scope: string): boolean {
  return CATALOGUE.includes(scope) || (FORM.test(scope) && !scope.slice(0, -1).includes('*'))
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

/** Whether everybody with this role may hold a scope; consumers take any mention of `admin` for an administrator (wire-contract 5.8). */
export function mayHold(role: string, scope: string): boolean {
  if (PRIVILEGED_ROLES.includes(role)) return true
  return !EVERYTHING.includes(scope) && !scope.includes('admin') && !scope.startsWith('legacy:')
}
