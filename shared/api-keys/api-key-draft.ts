import type { PersonPrincipal } from '../access/authenticate.ts'
import { ceilingOf } from '../access/authority.ts'
import { type ApiKey, type ApiKeySettings, startingFrom } from '../domain/api-key.ts'
import { exceeds, lowerLevel } from '../domain/derivation.ts'
import { accessLevelOf, isBeyondRole, satisfies } from '../domain/scopes.ts'
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
import { everydayEnd } from './sensitive-keys.ts'

/** Who a key is made or changed for: the person themselves, or something of theirs with which it ends. */
export type Maker = { parent?: ApiKeyFacts; application?: Client; delegated?: boolean }

export function makerOf({ apiKey: by, family }: PersonPrincipal): Maker {
  if (by) return { parent: by.key }
  if (family?.kind === 'delegated') return { delegated: true }
  return family && !family.client.first_party ? { application: family.client } : {}
}

/** Whether the person acts, at their browser or in an application of ours, and not something of theirs. */
export const isOwner = ({ parent, application, delegated }: Maker) => !parent && !application && !delegated

export const exceeded = (details: Record<string, string>) =>
  new GatewayError('derivation_exceeded', {
    details: Object.fromEntries(Object.entries(details).map(([name, why]) => [name, [why]])),
  })

/** @throws GatewayError derivation_exceeded, with what is wider */
export function checkWithin(made: ApiKeySettings, from: ApiKeySettings | undefined): void {
  const respects = from ? exceeds(made, from) : []
  if (respects.length > 0) throw exceeded(Object.fromEntries(respects.map((one) => [one, 'is wider than allowed'])))
}

/** A key holds no more than its creator has, here and now (docs/security-rules.md S14). @throws GatewayError scope_not_allowed */
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

/** What a request asks of a key, with an access level that its person can have. */
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

/**
 * What a request asks of a new key. One that an everyday token makes ends after a year unless the request names another end. One that a
 * key makes starts with the limits of that key, and ends with it at the latest, since clients name a time with every key.
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
  return { settings: { ...settings, expiresAt }, notes: [...notes, 'It ends with the key that it is made from.'] }
}

/** Whose a new key is. One that a key makes has the owner of that key. @throws GatewayError derivation_exceeded */
export function ownerOf({ person }: PersonPrincipal, { parent }: Maker, asked: NewKey['owner']) {
  const own = parent && { type: parent.owner_type, id: parent.owner_id }
  if (own && asked && asked !== own.type) throw exceeded({ owner: 'is not that of the key that it is made from' })
  if (own) return own
  return asked === 'organization'
    ? { type: 'organization' as const, id: person.organizationId }
    : { type: 'person' as const, id: person.uai }
}
