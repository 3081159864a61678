import { GatewayError } from '../errors.ts'
import type { Resource } from '../queries/authorizations.ts'

/** The gateway's own interface as a resource: what a person's token may do with their account. */
export function ownResource(issuer: string): Resource {
  return { identifier: issuer, name: 'LanOnasis account', scopes: ['profile', 'email'], is_default: false }
}

/** Lower-case scheme and host, no default port, `https://h` = `https://h/`; undefined when it is no resource indicator. */
function canonical(uri: string): string | undefined {
  if (!URL.canParse(uri) || uri.includes('#')) return undefined
  const { protocol, host, pathname, search } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  return `${protocol}//${host}${pathname.replace(/\/$/, '')}${search}`
}

/**
 * The registered identifiers of the resources a client asked for, the default one when it asked for none
 * (RFC 8707 section 2; compared as standards H2 says, answered in the registered form).
 * @throws GatewayError invalid_target
 */
export function chooseResources(known: Resource[], requested: string[] | undefined): string[] {
  if (!requested || requested.length === 0) return known.filter((one) => one.is_default).map((one) => one.identifier)
  const identifiers = known.map((one) => one.identifier)
  return registeredForms(identifiers, requested)
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
