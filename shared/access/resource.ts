import { GatewayError } from '../errors.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Resource, SupabaseResource } from '../queries/authorizations.ts'

/** The account API of the gateway as a resource. */
export function ownResource(issuer: string): Resource {
  return {
    identifier: issuer,
    name: 'LanOnasis account',
    scopes: ['profile', 'email'],
    is_default: false,
    is_account: true,
  }
}

/** Lower-case scheme and host, no default port, `https://h` = `https://h/`; undefined for an invalid resource indicator. */
function canonical(uri: string): string | undefined {
  if (!URL.canParse(uri) || uri.includes('#')) return undefined
  const { protocol, host, pathname, search } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  return `${protocol}//${host}${pathname.replace(/\/$/, '')}${search}`
}

/** Whether two identifiers name the same resource (docs/security-rules.md H2); other than URLs are compared exactly. */
export function isSameResource(one: string, other: string): boolean {
  return one === other || (canonical(one) !== undefined && canonical(one) === canonical(other))
}

type Access = Pick<Client, 'account_access'>

/**
 * Returns the registered identifiers of a token's resources: exactly those that the client named (RFC 8707 section 2), compared by
 * docs/security-rules.md H2. A client that names none gets the default one, and with everyday access to the account API also that,
 * since it uses one token for both.
 * @param client the client that acts for a person; undefined when the token is for no account
 * @throws GatewayError invalid_target
 */
export function chooseResources(known: Resource[], requested: string[] | undefined, client?: Access): string[] {
  const isEveryday = client?.account_access === 'everyday'
  if (!requested || requested.length === 0)
    return known.filter((one) => one.is_default || (one.is_account && isEveryday)).map((one) => one.identifier)
  const identifiers = known.map((one) => one.identifier)
  const account = known.find((one) => one.is_account)?.identifier
  const named = accountAlone(account, registeredForms(identifiers, requested))
  if (named.length > 1 && supabaseAmong(known, named))
    throw new GatewayError('invalid_target', {
      description: 'A Supabase project cannot be combined with other resources.',
    })
  return named
}

/** The resources that take tokens of services and agents too: not Supabase projects, where every token has all rights of its person. */
export const withoutSupabase = (known: Resource[]): Resource[] => known.filter(({ supabase }) => !supabase)

/** Returns the Supabase project that a grant is for; its resources are that project alone. */
export function supabaseAmong(known: Resource[], granted: string[]): SupabaseResource | undefined {
  const found = known.find(({ identifier, supabase }) => supabase && granted.includes(identifier))
  return found?.id ? { id: found.id, identifier: found.identifier, accounts: found.supabase?.accounts } : undefined
}

/**
 * Refuses the account API among several resources: another resource server that receives the token could use it there.
 * @throws GatewayError invalid_target
 */
export function accountAlone(account: string | undefined, named: string[]): string[] {
  if (account === undefined || named.length < 2 || !named.includes(account)) return named
  throw new GatewayError('invalid_target', { description: 'The account API cannot be combined with other resources.' })
}

/** The resources for a sign-in that cannot name any. */
export function unnamedResources(issuer: string, client: Access, defaults: string[]): string[] {
  return client.account_access === 'everyday' ? [...defaults, issuer] : defaults
}

/** The scopes that the named resources require; none when none were named. */
export function scopesNeeded(known: Resource[], requested: string[] | undefined): string[] {
  if (!requested || requested.length === 0) return []
  const chosen = new Set(chooseResources(known, requested))
  return [...new Set(known.filter((one) => chosen.has(one.identifier)).flatMap((one) => one.scopes))]
}

/** Returns the requested identifiers in their registered form. @throws GatewayError invalid_target */
export function registeredForms(allowed: string[], asked: string[]): string[] {
  return [...new Set(asked.map((one) => registeredForm(allowed, one)))]
}

function registeredForm(identifiers: string[], asked: string): string {
  const resource = canonical(asked)
  const registered = resource && identifiers.find((one) => canonical(one) === resource)
  if (!registered) throw new GatewayError('invalid_target')
  return registered
}

/**
 * A token request may only narrow what was granted (RFC 8707 section 2.2).
 * @throws GatewayError invalid_target
 */
export function narrowResources(granted: string[], requested: string[] | undefined): string[] {
  if (!requested || requested.length === 0) return granted
  const narrowed = registeredForms(granted, requested)
  return granted.filter((one) => narrowed.includes(one))
}
