import { satisfies } from '../../packages/auth-server/src/scope.ts'
import type { PersonPrincipal } from '../access/authenticate.ts'
import { ceilingOf, isForGatewayAlone } from '../access/authority.ts'
import { missingAuthentication } from '../access/step-up.ts'
import type { ApiKey } from '../domain/api-key.ts'
import type { ApiKeySettings } from '../domain/api-key-settings.ts'
import { exceeds, lowerLevel } from '../domain/derivation.ts'
import { accessLevelOf, isBeyondRole } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { Client } from '../queries/api-clients.ts'
import type { ApiKeyFacts } from '../queries/api-keys.ts'
import { listResources } from '../queries/authorizations.ts'
import {
  type Draft,
  type KeyChanges,
  MINIMAL_SCOPES,
  type NewKey,
  PLAIN_SETTINGS,
  readSettings,
} from './api-key-input.ts'

/** What creates or changes a key: nothing but the person, or a credential of theirs with which the key ends. */
type Maker = { parent?: ApiKeyFacts; application?: Client; delegated?: boolean }

export function makerOf({ apiKey: by, family }: PersonPrincipal): Maker {
  if (by) return { parent: by.key }
  if (family?.kind === 'delegated') return { delegated: true }
  return family && !family.client.first_party ? { application: family.client } : {}
}

/** Whether the person acts, in a browser or an application of ours, and no credential for them. */
export const isOwner = ({ parent, application, delegated }: Maker) => !parent && !application && !delegated

export const exceeded = (details: Record<string, string>) =>
  new GatewayError('derivation_exceeded', {
    details: Object.fromEntries(Object.entries(details).map(([name, why]) => [name, [why]])),
  })

/** @throws GatewayError derivation_exceeded with the settings that are wider */
export function checkWithin(made: ApiKeySettings, from: ApiKeySettings | undefined): void {
  const respects = from ? exceeds(made, from) : []
  if (respects.length > 0) throw exceeded(Object.fromEntries(respects.map((one) => [one, 'is wider than allowed'])))
}

/** Checks that a key allows no more than its creator currently has (docs/security-rules.md S14). @throws GatewayError scope_not_allowed */
export function checkCeiling(principal: PersonPrincipal, { scopes }: ApiKeySettings): void {
  const { person } = principal
  const ceiling = ceilingOf(principal)
  const beyond = scopes.filter((one) => isBeyondRole(person.role, one) || (ceiling && !satisfies(ceiling, one)))
  if (beyond.length > 0) throw new GatewayError('scope_not_allowed', { reason: beyond.join(' ') })
}

export const settingsOf = (state: ApiKey) => (state.status === 'none' ? PLAIN_SETTINGS : state.settings)

/** The scopes that registered resources define. */
export const definedScopes = async (sql: Gateway['reads']): Promise<string[]> =>
  (await listResources(sql)).flatMap(({ scopes }) => scopes)

/** Reads the settings of a request, with the access level limited to the person's. */
export async function draft(
  gateway: Gateway,
  { person }: PersonPrincipal,
  input: KeyChanges,
  before: ApiKeySettings,
): Promise<Draft> {
  const defined = await definedScopes(gateway.reads)
  const { settings, notes } = readSettings(input, before, { now: gateway.now(), defined })
  const most = accessLevelOf(person.role)
  if (lowerLevel(settings.accessLevel, most) === settings.accessLevel) return { settings, notes }
  return { settings: { ...settings, accessLevel: most }, notes: [...notes, `The access level is ${most}.`] }
}

/** The default settings of a derived key: all limits of its parent, and no more than the usual defaults. */
function startingFrom(parent: ApiKeySettings, usual: ApiKeySettings): ApiKeySettings {
  const { service, serviceScopes, expiresAt, binding, limits, networks } = parent
  const scopes = usual.scopes.filter((one) => satisfies(parent.scopes, one))
  const accessLevel = lowerLevel(usual.accessLevel, parent.accessLevel)
  return { ...usual, scopes, accessLevel, service, serviceScopes, expiresAt, binding, limits, networks }
}

/**
 * Reads the settings of a new key. Created with an everyday token, it expires after a year by default. Created with a key, it starts
 * with that key's limits and expires no later than it, since clients send an expiry with every key.
 */
export async function draftNew(
  gateway: Gateway,
  principal: PersonPrincipal,
  input: NewKey,
  parent?: ApiKeySettings,
): Promise<Draft> {
  const ceiling = ceilingOf(principal)
  const usual = { ...PLAIN_SETTINGS, scopes: MINIMAL_SCOPES.filter((one) => !ceiling || satisfies(ceiling, one)) }
  const drafted = await draft(gateway, principal, input, parent ? startingFrom(parent, usual) : usual)
  const { settings, notes } = drafted
  const { expiresAt } = parent ?? {}
  const everyday = await everydayEnd(gateway, principal, settings)
  if (everyday) return { settings: { ...settings, expiresAt: everyday.expiresAt }, notes: [...notes, everyday.note] }
  if (!expiresAt || exceeds({ expiresAt: settings.expiresAt }, { expiresAt }).length === 0) return drafted
  return { settings: { ...settings, expiresAt }, notes: [...notes, 'It expires with the key that created it.'] }
}

/** Returns the owner of a new key. A key created with a key has the same owner. @throws GatewayError derivation_exceeded */
export function ownerOf({ person }: PersonPrincipal, { parent }: Maker, asked: NewKey['owner']) {
  const own = parent && { type: parent.owner_type, id: parent.owner_id }
  if (own && asked && asked !== own.type) throw exceeded({ owner: 'is not the owner of the key that creates it' })
  if (own) return own
  return asked === 'organization'
    ? { type: 'organization' as const, id: person.organizationId }
    : { type: 'person' as const, id: person.uai }
}

/** Default lifetime, in days, of a key that an everyday token creates or rotates. */
const EVERYDAY_DAYS = 365

/** For a key as the credential, the derivation rule applies instead. */
const isBoundByParent = ({ apiKey }: PersonPrincipal) => apiKey !== undefined

/**
 * Whether a credential allows sensitive actions: a browser session, or a recently authenticated token of our own application for this
 * gateway only.
 */
async function isSensitive(gateway: Gateway, principal: PersonPrincipal): Promise<boolean> {
  const { source, family } = principal
  if (source === 'sso_session') return true
  const isOurs = family?.client.first_party === true && isForGatewayAlone(gateway, principal)
  return isOurs && !(await missingAuthentication(gateway, principal))
}

/**
 * Returns the expiry of a key without one, for a credential that requires it; undefined if it need not expire.
 * @param settings of the new key
 */
export async function everydayEnd(
  gateway: Gateway,
  principal: PersonPrincipal,
  { expiresAt }: Pick<ApiKeySettings, 'expiresAt'>,
): Promise<{ expiresAt: string; note: string } | undefined> {
  if (expiresAt !== undefined || isBoundByParent(principal) || (await isSensitive(gateway, principal))) return undefined
  return {
    expiresAt: new Date(gateway.now().getTime() + EVERYDAY_DAYS * 86_400_000).toISOString(),
    note: `It expires in ${EVERYDAY_DAYS} days. Create keys that do not expire at /account/api-keys.`,
  }
}

/**
 * Requires a sensitive credential for a key that does not expire, or that has scopes of operators and services; for a change, only if
 * the key did not have these before.
 * @throws GatewayError insufficient_user_authentication
 */
export async function requireSensitive(
  gateway: Gateway,
  principal: PersonPrincipal,
  settings: ApiKeySettings,
  before?: ApiKeySettings,
): Promise<void> {
  if (isBoundByParent(principal)) return
  const isEndless = settings.expiresAt === undefined && (!before || before.expiresAt !== undefined)
  const isWide = settings.scopes.some((one) => isBeyondRole('user', one) && !satisfies(before?.scopes ?? [], one))
  if ((!isEndless && !isWide) || (await isSensitive(gateway, principal))) return
  const description =
    'Keys without an expiry or with operator scopes need a browser, or a recent sign-in for this gateway.'
  throw new GatewayError('insufficient_user_authentication', {
    description,
    headers: {
      'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="${description}"`,
    },
  })
}
