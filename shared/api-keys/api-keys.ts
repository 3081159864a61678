import type { PersonPrincipal } from '../access/authenticate.ts'
import { commitAs } from '../access/authority.ts'
import { unsuitableCredential } from '../access/insufficient-scope.ts'
import type { Call } from '../call.ts'
import { apiKey, createKey, deriveKey, rotateKey, updateKey } from '../domain/api-key.ts'
import type { ApiKeySettings } from '../domain/api-key-settings.ts'
import { tokenFamily } from '../domain/token-family.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { type ApiKeyFacts, type ApiKeyRecord, findKey } from '../queries/api-keys.ts'
import { newApiKey } from '../tokens/api-key.ts'
import {
  checkCeiling,
  checkWithin,
  draft,
  draftNew,
  everydayEnd,
  exceeded,
  isOwner,
  makerOf,
  ownerOf,
  requireSensitive,
  settingsOf,
} from './api-key-draft.ts'
import type { Draft, KeyChanges, NewKey } from './api-key-input.ts'
import { endChildrenOfLeaked, endKey, loadKey, narrowChildren, removeKey, resumeParent } from './key-lineage.ts'
import { requireUniqueName } from './unique-name.ts'

/** A key with its secret, which only this response contains. */
export type WithSecret = { record: ApiKeyRecord; secret: string; notes: string[] }

/** Returns the owners whose keys a person may see and manage: the person and their organization. */
export function ownersOf({ person }: PersonPrincipal): string[] {
  return [...person.members, ...person.organizations]
}

async function written(gateway: Gateway, id: string): Promise<ApiKeyRecord> {
  const record = await findKey(gateway.reads, gateway.personal, id)
  if (!record) throw new GatewayError('key_not_found')
  return record
}

/** Requires an application's tokens to be unrevoked, so that the revocation misses no new key. @throws GatewayError invalid_token */
async function requireFamily(work: Work, { person, family }: PersonPrincipal): Promise<void> {
  const stream = family && (await work.load(tokenFamily, family.id, aboutPerson(person)))
  if (stream?.state.status !== 'active') throw new GatewayError('invalid_token', { reason: 'family was revoked' })
  stream.hold()
}

/**
 * Creates a key for the person or their organization. A key created with a key is no wider than that key and ends with it.
 * @throws GatewayError invalid_request, invalid_scope, invalid_service, scope_not_allowed, derivation_exceeded, key_exists,
 * insufficient_user_authentication, too_many_keys, rate_limited, insufficient_scope
 */
export async function createApiKey(call: Call, principal: PersonPrincipal, input: NewKey): Promise<WithSecret> {
  const { gateway } = call
  const { person } = principal
  const maker = makerOf(principal)
  // A key would outlive the delegation.
  if (maker.delegated) throw unsuitableCredential('agent')
  const owner = ownerOf(principal, maker, input.owner)
  const made = newApiKey()
  const id = newId()
  const notes = await commitAs(call, principal, async (work) => {
    work.limits = gateway.limiter.of('create-key', person.uai)
    if (maker.application) await requireFamily(work, principal)
    const parent = maker.parent && resumeParent(work, await written(gateway, maker.parent.id))
    const from = parent && settingsOf(parent.state)
    const { settings, notes } = await draftNew(gateway, principal, input, from)
    checkCeiling(principal, settings)
    checkWithin(settings, from)
    await requireSensitive(gateway, principal, settings)
    await requireUniqueName(gateway, { kind: 'api-key', place: owner.id, name: input.name })
    const generation = (maker.parent?.ancestors.length ?? 0) + 2
    const now = gateway.now()
    parent?.decide((state) => deriveKey(state, { keyId: id, createdBy: person.uai, settings, generation, now }))
    work.start(apiKey, id, aboutPerson(person)).decide(() =>
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
        parent: maker.parent?.id,
        application: maker.application?.id ?? maker.parent?.application ?? undefined,
      }),
    )
    return notes
  })
  return { record: await written(gateway, id), secret: made.key, notes }
}

/** Returns a key of the principal or their organization. @throws GatewayError key_not_found, also for keys of others */
export async function ownKey(gateway: Gateway, principal: PersonPrincipal, id: string): Promise<ApiKeyRecord> {
  const record = await findKey(gateway.reads, gateway.personal, id)
  if (!record || !ownersOf(principal).includes(record.owner_id)) throw new GatewayError('key_not_found')
  return record
}

type Change = { principal: PersonPrincipal; record: ApiKeyRecord }

const keyOf = ({ id, created_by: createdBy }: Pick<ApiKeyFacts, 'id' | 'created_by'>) => ({ id, createdBy })

/** A key acts for its creator, so other members of the organization that owns it can only narrow or end it. */
const isCreator = ({ principal, record }: Change) => principal.person.members.includes(record.created_by)

/** Changes the settings of a key within those of its parent key, and narrows its child keys. */
async function resettle(
  gateway: Gateway,
  work: Work,
  target: Change,
  read: (before: ApiKeySettings) => Promise<Draft>,
  naming: { name: string; description?: string; reason?: string },
): Promise<string[]> {
  const { principal, record } = target
  const stream = await loadKey(work, keyOf(record))
  const before = settingsOf(stream.state)
  checkCeiling(principal, before)
  const { settings, notes } = await read(before)
  checkCeiling(principal, settings)
  const from = record.parent_id ? await loadKey(work, { ...keyOf(record), id: record.parent_id }) : undefined
  from?.hold()
  const parent = from && settingsOf(from.state)
  const mayLoosen = isOwner(makerOf(principal)) && isCreator(target)
  checkWithin(settings, parent)
  checkWithin(settings, mayLoosen ? undefined : before)
  await requireSensitive(gateway, principal, settings, before)
  stream.decide((state) => updateKey(state, { ...naming, settings, parent, mayLoosen }))
  await narrowChildren(work, stream)
  return notes
}

/**
 * Changes the members that a request names. A credential cannot change a key that is wider than itself, and a key or another application
 * can widen no key, including itself.
 * @throws GatewayError as createApiKey, key_not_found, key_not_active
 */
export async function updateApiKey(
  call: Call,
  target: Change,
  input: KeyChanges & { reason?: string },
): Promise<{ record: ApiKeyRecord; notes: string[] }> {
  const { gateway } = call
  const { principal, record } = target
  const { name = record.name, description = record.description } = input
  const naming = { name, description: description || undefined, reason: input.reason }
  const notes = await commitAs(call, target.principal, async (work) => {
    await requireUniqueName(gateway, { kind: 'api-key', place: record.owner_id, name }, record.id)
    return resettle(gateway, work, target, (before) => draft(gateway, principal, input, before), naming)
  })
  return { record: await written(gateway, record.id), notes }
}

/** Sets the services of a key. @throws GatewayError as updateApiKey */
export async function updateServices(
  call: Call,
  target: Change,
  serviceScopes: ApiKeySettings['serviceScopes'],
): Promise<ApiKeyRecord> {
  const { record } = target
  const read = async (before: ApiKeySettings): Promise<Draft> => ({
    settings: { ...before, service: 'specific', serviceScopes },
    notes: [],
  })
  await commitAs(call, target.principal, (work) => resettle(call.gateway, work, target, read, record))
  return written(call.gateway, record.id)
}

/** A new secret could outlive the credential that requested it, so a key rotates only itself and its child keys. */
function checkRotation(target: Change): void {
  const { principal, record } = target
  if (!isCreator(target)) throw exceeded({ id: 'belongs to another member of the organization' })
  const { parent, application, delegated } = makerOf(principal)
  const own = !parent || record.id === parent.id || record.ancestors.includes(parent.id)
  const made = !application || record.application === application.id
  if (!own || !made || delegated) throw exceeded({ id: 'was not created by this credential' })
}

/**
 * Replaces the secret of a key, and sets an expiry if the credential requires one. Of concurrent rotations one succeeds, the others
 * are rejected.
 * @param graceSeconds how long the old secret is still accepted
 * @param arrivedAt when the request arrived: the request fails if the key was rotated since
 * @throws GatewayError key_not_found, key_not_active, scope_not_allowed, derivation_exceeded, insufficient_user_authentication,
 * stale
 */
export async function rotateApiKey(
  call: Call,
  target: Change,
  input: { graceSeconds: number; reason?: string; arrivedAt: Date },
): Promise<WithSecret> {
  const { gateway } = call
  const { principal, record } = target
  const { graceSeconds, reason, arrivedAt } = input
  if (record.rotated_at && new Date(record.rotated_at) >= arrivedAt) throw new GatewayError('stale')
  const made = newApiKey()
  const notes = await commitAs(call, target.principal, async (work) => {
    const stream = await loadKey(work, keyOf(record))
    const settings = settingsOf(stream.state)
    checkCeiling(principal, settings)
    checkRotation(target)
    const end = await everydayEnd(gateway, principal, settings)
    await requireSensitive(gateway, principal, { ...settings, expiresAt: end?.expiresAt ?? settings.expiresAt })
    await endChildrenOfLeaked(work, stream)
    stream.decide((state) =>
      rotateKey(state, {
        secretHash: made.hash,
        preview: made.preview,
        graceSeconds,
        reason,
        knownRotations: record.rotations,
        expiresAt: end?.expiresAt,
        now: gateway.now(),
      }),
    )
    if (end) await narrowChildren(work, stream)
    return end ? [end.note] : []
  })
  return { record: await written(gateway, record.id), secret: made.key, notes }
}

/** Revokes a key and its child keys. It stays in the list. @throws GatewayError key_not_found */
export async function revokeApiKey(call: Call, target: Change, reason: string): Promise<void> {
  await commitAs(call, target.principal, (work) => endKey(work, keyOf(target.record), reason))
}

/** Deletes a key from the list and revokes its child keys. @throws GatewayError key_not_found */
export async function deleteApiKey(call: Call, target: Change, reason: string): Promise<void> {
  await commitAs(call, target.principal, (work) => removeKey(work, keyOf(target.record), reason))
}
