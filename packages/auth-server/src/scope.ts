/** The scopes that include every other. */
export const EVERYTHING = ['*', 'legacy:full_access']
const ALIASES: [prefix: string, canonical: string][] = [
  ['memory:', 'memories:'],
  ['api_keys:manage', 'api-keys:*'],
]

/** The canonical spelling of a scope: `a.b` is `a:b`, `memory:*` is `memories:*`. */
export function canonicalScope(scope: string): string {
  const colons = scope.replaceAll('.', ':')
  const [alias, canonical] = ALIASES.find(([prefix]) => colons.startsWith(prefix)) ?? ['', '']
  return canonical + colons.slice(alias.length)
}

function covers(grant: string, needed: string): boolean {
  if (EVERYTHING.includes(grant) || grant === needed) return true
  return grant.endsWith(':*') && needed.startsWith(grant.slice(0, -1))
}

/**
 * Whether granted scopes include a required one. A wildcard covers everything below it; narrower scopes never satisfy a required
 * wildcard.
 */
export function satisfies(granted: readonly string[], needed: string): boolean {
  const required = canonicalScope(needed)
  return granted.some((one) => covers(canonicalScope(one), required))
}
