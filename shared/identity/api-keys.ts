import { uuidv7 } from 'uuidv7'
import {
  type ApiKey,
  type ApiKeyEvent,
  type ApiKeySettings,
  apiKey,
  createKey,
  deleteKey,
  keyNameLookup,
  revokeKey,
  rotateKey,
  updateKey,
} from '../domain/api-key.ts'
import { mayHold, satisfies } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Stream, type Work } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { type ApiKeyRecord, findForNewKey, findKey } from '../queries/api-keys.ts'
import { newApiKey } from '../tokens/api-key.ts'
import { type KeyChanges, MINIMAL_SCOPES, type NewKey, PLAIN_SETTINGS, readSettings } from './api-key-input.ts'
import type { PersonPrincipal } from './authenticate.ts'
import { actAs, ceilingOf } from './authority.ts'

const MAX_LIVE_KEYS = 1000

/** A key with its secret, which is known in this answer only. */
export type WithSecret = { record: ApiKeyRecord; secret: string }

/** Whose keys a person may see and manage: their own and their organization's. */
export function ownersOf({ person }: PersonPrincipal): string[] {
  return [...person.members, ...person.organizations]
}

/** A key holds no more than its creator has, here and now (standards S14). @throws GatewayError scope_not_allowed */
function checkCeiling(principal: PersonPrincipal, { scopes, accessLevel }: ApiKeySettings): void {
  const { person } = principal
  const ceiling = ceilingOf(principal)
  const beyond = scopes.filter((one) => !mayHold(person.role, one) || (ceiling && !satisfies(ceiling, one)))
  if (beyond.length > 0) throw new GatewayError('scope_not_allowed', { reason: beyond.join(' ') })
  if (accessLevel === 'admin' && !mayHold(person.role, 'admin:*'))
    throw new GatewayError('scope_not_allowed', { details: { access_level: ['is not allowed'] } })
}

async function written(gateway: Gateway, id: string): Promise<ApiKeyRecord> {
  const record = await findKey(gateway.reads, gateway.personal, id)
  if (!record) throw new GatewayError('key_not_found')
  return record
}

const defaultScopes = (principal: PersonPrincipal) => {
  const ceiling = ceilingOf(principal)
  return MINIMAL_SCOPES.filter((one) => !ceiling || satisfies(ceiling, one))
}

/**
 * Creates a key for the person, or for their organization.
 * @throws GatewayError invalid_request, invalid_scope, invalid_service, scope_not_allowed, key_exists, too_many_keys, rate_limited
 */
export async function createApiKey(
  gateway: Gateway,
  c: AppContext,
  principal: PersonPrincipal,
  input: NewKey,
): Promise<WithSecret> {
  const { person } = principal
  const settings = readSettings(input, { ...PLAIN_SETTINGS, scopes: defaultScopes(principal) }, new Date())
  checkCeiling(principal, settings)
  const owner =
    input.owner === 'organization'
      ? { type: 'organization' as const, id: person.organizationId }
      : { type: 'person' as const, id: person.uai }
  const made = newApiKey()
  const id = uuidv7()
  await commit(commitContext(gateway, c), async (work) => {
    actAs(work, principal)
    work.limits = gateway.limiter.of('create-key', person.uai)
    const nameDigest = gateway.personal.digest(keyNameLookup(owner.id, input.name))
    const { taken, live } = await findForNewKey(gateway.reads, { ownerId: owner.id, nameDigest })
    if (taken) throw new GatewayError('key_exists')
    if (live >= MAX_LIVE_KEYS) throw new GatewayError('too_many_keys')
    work.start(apiKey, id, { subject: person.uai }).decide(() =>
      createKey({
        owner,
        organizationId: person.organizationId,
        createdBy: person.uai,
        origin: 'owner',
        name: input.name,
        description: input.description || undefined,
        secretHash: made.hash,
        preview: made.preview,
        settings,
      }),
    )
  })
  return { record: await written(gateway, id), secret: made.key }
}

/** A key of the principal's own or its organization's. @throws GatewayError key_not_found, as for one that does not exist */
export async function ownKey(gateway: Gateway, principal: PersonPrincipal, id: string): Promise<ApiKeyRecord> {
  const record = await findKey(gateway.reads, gateway.personal, id)
  if (!record || !ownersOf(principal).includes(record.owner_id)) throw new GatewayError('key_not_found')
  return record
}

type Change = { principal: PersonPrincipal; record: ApiKeyRecord }

/** Runs a decision on a key of the principal. */
async function change(
  gateway: Gateway,
  c: AppContext,
  { principal, record }: Change,
  decide: (stream: Stream<ApiKey, ApiKeyEvent>, work: Work) => Promise<void> | void,
): Promise<void> {
  await commit(commitContext(gateway, c), async (work) => {
    actAs(work, principal)
    await decide(await work.load(apiKey, record.id, { subject: record.created_by }), work)
  })
}

const settingsOf = (state: ApiKey) => (state.status === 'none' ? PLAIN_SETTINGS : state.settings)

/**
 * Changes what a request names and leaves the rest; a key wider than the credential at hand cannot be changed with it.
 * @throws GatewayError as createApiKey, key_not_found, key_not_active
 */
export async function updateApiKey(
  gateway: Gateway,
  c: AppContext,
  target: Change,
  input: KeyChanges & { reason?: string },
): Promise<ApiKeyRecord> {
  const { principal, record } = target
  const { name = record.name, description = record.description } = input
  await change(gateway, c, target, async (stream) => {
    const before = settingsOf(stream.state)
    checkCeiling(principal, before)
    const settings = readSettings(input, before, new Date())
    checkCeiling(principal, settings)
    const nameDigest = gateway.personal.digest(keyNameLookup(record.owner_id, name))
    const { taken } = await findForNewKey(gateway.reads, { ownerId: record.owner_id, nameDigest })
    if (taken && taken !== record.id) throw new GatewayError('key_exists')
    stream.decide((state) =>
      updateKey(state, { name, description: description || undefined, settings, reason: input.reason }),
    )
  })
  return written(gateway, record.id)
}

/** Sets which services a key is for. @throws GatewayError as updateApiKey */
export async function updateServices(
  gateway: Gateway,
  c: AppContext,
  target: Change,
  serviceScopes: ApiKeySettings['serviceScopes'],
): Promise<ApiKeyRecord> {
  const { principal, record } = target
  const { name, description } = record
  await change(gateway, c, target, (stream) => {
    const before = settingsOf(stream.state)
    checkCeiling(principal, before)
    const settings: ApiKeySettings = { ...before, service: 'specific', serviceScopes }
    stream.decide((state) => updateKey(state, { name, description, settings }))
  })
  return written(gateway, record.id)
}

/**
 * A new secret for a key; of several rotations at once one wins, the others are told so.
 * @param graceSeconds how long the old secret is still accepted
 * @param arrivedAt when the request came: a key that was rotated since is somebody else's news
 * @throws GatewayError key_not_found, key_not_active, scope_not_allowed, stale
 */
export async function rotateApiKey(
  gateway: Gateway,
  c: AppContext,
  target: Change,
  input: { graceSeconds: number; reason?: string; arrivedAt: Date },
): Promise<WithSecret> {
  const { principal, record } = target
  const { graceSeconds, reason, arrivedAt } = input
  if (record.rotated_at && new Date(record.rotated_at) >= arrivedAt) throw new GatewayError('stale')
  const made = newApiKey()
  await change(gateway, c, target, (stream) => {
    checkCeiling(principal, settingsOf(stream.state))
    stream.decide((state) =>
      rotateKey(state, {
        secretHash: made.hash,
        preview: made.preview,
        graceSeconds,
        reason,
        knownRotations: record.rotations,
        now: new Date(),
      }),
    )
  })
  return { record: await written(gateway, record.id), secret: made.key }
}

/** Ends a key at once; it stays in the list. @throws GatewayError key_not_found */
export async function revokeApiKey(gateway: Gateway, c: AppContext, target: Change, reason: string): Promise<void> {
  await change(gateway, c, target, (stream) => void stream.decide((state) => revokeKey(state, reason)))
}

/** Ends a key and takes it off the list. @throws GatewayError key_not_found */
export async function deleteApiKey(gateway: Gateway, c: AppContext, target: Change, reason: string): Promise<void> {
  await change(gateway, c, target, (stream) => void stream.decide((state) => deleteKey(state, reason)))
}
