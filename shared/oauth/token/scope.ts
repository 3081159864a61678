import { canonicalScope } from '../../../packages/auth-server/src/scope.ts'
import { CATALOGUE, mayHold } from '../../domain/scopes.ts'
import { type Client, isStranger } from '../../queries/api-clients.ts'
import type { Person } from '../../queries/person.ts'

/** Scopes that every client may request; consent decides what they give. */
const COMMON = ['openid', 'profile', 'email', 'offline_access']

/** Scopes for the account itself. Clients cannot register for them, and they come last in a token's scope. */
const ACCOUNT = ['account:read', 'account:write']

/** Moves the account scopes to the end: existing consumers read the first scope (docs/wire-contract.md 5.8). */
export function accountScopesLast(scope: string[]): string[] {
  const isAccount = (one: string) => ACCOUNT.includes(one)
  return [...scope.filter((one) => !isAccount(one)), ...scope.filter(isAccount)]
}

const MEMORIES = ['memories:read', 'memories:write', 'memories:delete']

/** The scope of a direct sign-in. */
export const SESSION_SCOPE = ['openid', 'profile', 'email', ...MEMORIES, 'mcp:connect', 'api:access']

export const SUPPORTED_SCOPES = [
  ...COMMON,
  'read',
  'write',
  ...MEMORIES,
  'mcp:connect',
  'mcp:full',
  'mcp:tools',
  'mcp:resources',
  'mcp:prompts',
  'api:access',
  ...ACCOUNT,
]

/** Splits a scope parameter (RFC 6749 section 3.3); undefined if it has an invalid character. */
export function parseScope(text: string): string[] | undefined {
  if (!/^[\x20\x21\x23-\x5B\x5D-\x7E]*$/.test(text)) return undefined
  return [...new Set(text.split(' ').filter(Boolean))]
}

/** Returns the scopes of a parameter: undefined if absent or blank, empty if it has an invalid character. */
export function askedScope(text: string | undefined): string[] | undefined {
  const asked = parseScope(text ?? '')
  return asked?.length === 0 ? undefined : (asked ?? [])
}

/** Returns the scopes that a person may have. The registration of an application also defines scopes. */
export function scopeForPerson({ metadata }: Client, { role }: Pick<Person, 'role'>, scope: string[]): string[] {
  const defined = [...metadata.scope.split(' '), ...metadata.default_scope.split(' ')]
  return scope.filter((one) => mayHold(role, one, defined))
}

/** Whether a self-registered application may request a scope. */
export function isOpenToSelfRegistered(scope: string): boolean {
  const name = canonicalScope(scope)
  const known = SUPPORTED_SCOPES.includes(scope) || CATALOGUE.includes(name)
  return known && mayHold('user', name) && !/^(account|api-keys|secrets):/.test(name)
}

/** Whether a scope is known and only for applications that an operator registered. */
export const isPrivileged = (scope: string) =>
  CATALOGUE.includes(canonicalScope(scope)) && !isOpenToSelfRegistered(scope)

/**
 * Returns the requested scopes that a client may have. A client that requests none (or an empty scope) gets what its resources need, or
 * its default. Unknown scopes are dropped while one remains (docs/security-rules.md A28, R5); undefined if none does.
 *
 * A self-registered application asks for consent each time, so it may step up to any scope that it could have registered for
 * (MCP authorization 2026-07-28).
 * @param needed the minimal scopes of the resources that the client named
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
