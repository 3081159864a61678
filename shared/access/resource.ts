import { GatewayError } from '../errors.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Resource } from '../queries/authorizations.ts'

/** The gateway's own interface as a resource: what a person's token may do with their account. */
export function ownResource(issuer: string): Resource {
  return {
    identifier: issuer,
    name: 'LanOnasis account',
    scopes: ['profile', 'email'],
    is_default: false,
    is_account: true,
  }
}

/** Lower-case scheme and host, no default port, `https://h` = `https://h/`; undefined when it is no resource indicator. */
function canonical(uri: string): string | undefined {
  if (!URL.canParse(uri) || uri.includes('#')) return undefined
  const { protocol, host, pathname, search } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  return `${protocol}//${host}${pathname.replace(/\/$/, '')}${search}`
}

/** Whether two identifiers name the same resource (docs/security-rules.md H2); what is no URL is compared as it is. */
export function isSameResource(one: string, other: string): boolean {
  return one === other || (canonical(one) !== undefined && canonical(one) === canonical(other))
}

type Access = Pick<Client, 'account_access'>

/**
 * The registered identifiers of the resources that a token is for: exactly those that the client named (RFC 8707 section 2; compared
 * as docs/security-rules.md H2 says, returned in the registered form). A client that names none gets the default one, and one with everyday access
 * to the account API gets that as well, since it uses one token for both.
 * @param client whose person the token is for; undefined where no account can be meant
 * @throws GatewayError invalid_target
 */
export function chooseResources(known: Resource[], requested: string[] | undefined, client?: Access): string[] {
  const isEveryday = client?.account_access === 'everyday'
  if (!requested || requested.length === 0)
    return known.filter((one) => one.is_default || (one.is_account && isEveryday)).map((one) => one.identifier)
  const identifiers = known.map((one) => one.identifier)
  const account = known.find((one) => one.is_account)?.identifier
  return accountAlone(account, registeredForms(identifiers, requested))
}

/**
 * Named resources, unless the account API is one of several: a token for it that another resource server also gets could be used by
 * that server.
 * @throws GatewayError invalid_target
 */
export function accountAlone(account: string | undefined, named: string[]): string[] {
  if (account === undefined || named.length < 2 || !named.includes(account)) return named
  throw new GatewayError('invalid_target', { description: 'The account API cannot be combined with other resources.' })
}

/** The same for a sign-in at which no resource can be named. */
export function unnamedResources(issuer: string, client: Access, defaults: string[]): string[] {
  return client.account_access === 'everyday' ? [...defaults, issuer] : defaults
}

/** The scopes without which the resources that a client named are of no use to it; none when it named none. */
export function scopesNeeded(known: Resource[], requested: string[] | undefined): string[] {
  if (!requested || requested.length === 0) return []
  const chosen = new Set(chooseResources(known, requested))
  return [...new Set(known.filter((one) => chosen.has(one.identifier)).flatMap((one) => one.scopes))]
}

/** Asked identifiers in the form they are allowed in. @throws GatewayError invalid_target */
export function registeredForms(allowed: string[], asked: string[]): string[] {
  return [...new Set(asked.map((one) => registeredForm(allowed, one)))]
}

function registeredForm(identifiers: string[], asked: string): string {
  const wanted = canonical(asked)
  const found = wanted && identifiers.find((one) => canonical(one) === wanted)
  if (!found) throw new GatewayError('invalid_target')
  return found
}

/**
 * A token request may only narrow what was granted (RFC 8707 section 2.2).
 * @throws GatewayError invalid_target
 */
export function narrowResources(granted: string[], requested: string[] | undefined): string[] {
  if (!requested || requested.length === 0) return granted
  const wanted = new Set(requested.map((asked) => registeredForm(granted, asked)))
  return granted.filter((one) => wanted.has(one))
}
