import { CATALOGUE, canonicalScope, mayHold } from '../domain/scopes.ts'
import { type Client, isStranger } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'

/** Scopes every client may ask for; what they give is bound by consent. */
const COMMON = ['openid', 'profile', 'email', 'offline_access']

/** What an application may do with the account itself. Others cannot register for it, and it stands last in a token's scope. */
const ACCOUNT = ['account:read', 'account:write']

/** A scope with those of the account last: existing consumers read the first word (docs/wire-contract.md 5.8). */
export function accountScopesLast(scope: string[]): string[] {
  const isAccount = (one: string) => ACCOUNT.includes(one)
  return [...scope.filter((one) => !isAccount(one)), ...scope.filter(isAccount)]
}

/** What a direct sign-in of a person gets. */
export const SESSION_SCOPE = [
  'openid',
  'profile',
  'email',
  'memories:read',
  'memories:write',
  'memories:delete',
  'mcp:connect',
  'api:access',
]

export const SUPPORTED_SCOPES = [
  ...COMMON,
  'read',
  'write',
  'memories:read',
  'memories:write',
  'memories:delete',
  'mcp:connect',
  'mcp:full',
  'mcp:tools',
  'mcp:resources',
  'mcp:prompts',
  'api:access',
  ...ACCOUNT,
]

/** Splits a scope parameter (RFC 6749 section 3.3); undefined when it has a character that no scope may have. */
export function parseScope(text: string): string[] | undefined {
  if (!/^[\x20\x21\x23-\x5B\x5D-\x7E]*$/.test(text)) return undefined
  return [...new Set(text.split(' ').filter(Boolean))]
}

/** The scopes that a parameter asks for: undefined when it is absent or blank, none when it has a character that no scope may have. */
export function askedScope(text: string | undefined): string[] | undefined {
  const asked = parseScope(text ?? '')
  return asked?.length === 0 ? undefined : (asked ?? [])
}

/** What of a scope a person may have. What an operator registered the application for is defined by that. */
export function scopeForPerson({ metadata }: Client, { role }: Pick<Person, 'role'>, scope: string[]): string[] {
  const defined = [...metadata.scope.split(' '), ...metadata.default_scope.split(' ')]
  return scope.filter((one) => mayHold(role, one, defined))
}

/** A scope a stranger's application may ask people for. */
export function isOpenToSelfRegistered(scope: string): boolean {
  const name = canonicalScope(scope)
  const known = SUPPORTED_SCOPES.includes(scope) || CATALOGUE.includes(name)
  return known && mayHold('user', name) && !/^(account|api-keys|secrets):/.test(name)
}

/** A scope with a meaning here that a stranger's application may not ask for. */
export const isPrivileged = (scope: string) =>
  CATALOGUE.includes(canonicalScope(scope)) && !isOpenToSelfRegistered(scope)

/**
 * The scope a client gets for what it asked: what it may have of it, or when it asked for nothing (an empty scope is none), what the
 * resources need that it names, or else its default. Unknown scopes are dropped while one remains (docs/security-rules.md A28, R5); undefined when none does.
 *
 * An application that registered itself did so for what it needed first; its person is asked about everything each time, so it may
 * step up to whatever it could have registered for (MCP authorization 2026-07-28).
 * @param needed the least that the resources are of use with, where the client named any
 */
export function narrowScope(
  client: Client,
  requested: string | undefined,
  needed: readonly string[] = [],
): string[] | undefined {
  const { scope, default_scope } = client.metadata
  const allowed = new Set([...scope.split(' '), ...default_scope.split(' '), ...COMMON])
  const asked = askedScope(requested)
  if (!asked) {
    const least = needed.filter((one) => allowed.has(one))
    return least.length > 0 ? least : parseScope(default_scope)
  }
  const stepsUp = isStranger(client) && client.metadata.grant_types.includes('authorization_code')
  const granted = asked.filter((one) => allowed.has(one) || (stepsUp && isOpenToSelfRegistered(one)))
  return granted.length > 0 ? granted : undefined
}
