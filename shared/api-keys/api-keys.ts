import { uuidv7 } from 'uuidv7'
import type { PersonPrincipal } from '../access/authenticate.ts'
import { actAs } from '../access/authority.ts'
import { unsuitableCredential } from '../access/insufficient-scope.ts'
import type { Call } from '../call.ts'
import {
  type ApiKeySettings,
  apiKey,
  createKey,
  deriveKey,
  keyNameLookup,
  rotateKey,
  updateKey,
} from '../domain/api-key.ts'
import { tokenFamily } from '../domain/token-family.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { type ApiKeyFacts, type ApiKeyRecord, findForNewKey, findKey } from '../queries/api-keys.ts'
import { newApiKey } from '../tokens/api-key.ts'
import {
  checkCeiling,
  checkWithin,
  draft,
  draftNew,
  exceeded,
  isOwner,
  makerOf,
  ownerOf,
  settingsOf,
} from './api-key-draft.ts'
import type { Draft, KeyChanges, NewKey } from './api-key-input.ts'
import { endChildrenOfLeaked, endKey, loadKey, narrowChildren, removeKey, resumeParent } from './key-lineage.ts'
import { everydayEnd, requireSensitive } from './sensitive-keys.ts'

const MAX_LIVE_KEYS = 1000

/** A key with its secret, which is known in this answer only. */
export type WithSecret = { record: ApiKeyRecord; secret: string; notes: string[] }

/** Whose keys a person may see and manage: their own and their organization's. */
export function ownersOf({ person }: PersonPrincipal): string[] {
  return [...person.members, ...person.organizations]
}

async function written(gateway: Gateway, id: string): Promise<ApiKeyRecord> {
  const record = await findKey(gateway.reads, gateway.personal, id)
  if (!record) throw new GatewayError('key_not_found')
  return record
}

/** An application whose tokens end meanwhile makes no key that would be missed. @throws GatewayError invalid_token */
async function requireFamily(work: Work, { person, family }: PersonPrincipal): Promise<void> {
  const stream = family && (await work.load(tokenFamily, family.id, aboutPerson(person)))
  if (stream?.state.status !== 'active') throw new GatewayError('invalid_token', { reason: 'family was revoked' })
  stream.hold()
}

/**
 * Creates a key for the person, or for their organization. One that is made with a key is no wider than that, and ends with it.
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
  const id = uuidv7()
  const notes = await commit(call, async (work) => {
    actAs(work, principal)
    work.limits = gateway.limiter.of('create-key', person.uai)
    if (maker.application) await requireFamily(work, principal)
    const parent = maker.parent && resumeParent(work, await written(gateway, maker.parent.id))
    const from = parent && settingsOf(parent.state)
    const { settings, notes } = await draftNew(gateway, principal, input, from)
    checkCeiling(principal, settings)
    checkWithin(settings, from)
    await requireSensitive(gateway, principal, settings)
    const nameDigest = gateway.personal.digest(keyNameLookup(owner.id, input.name))
    const { taken, live } = await findForNewKey(gateway.reads, { ownerId: owner.id, nameDigest })
    if (taken) throw new GatewayError('key_exists')
    if (live >= MAX_LIVE_KEYS) throw new GatewayError('too_many_keys')
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

/** A key of the principal's own or its organization's. @throws GatewayError key_not_found, as for one that does not exist */
export async function ownKey(gateway: Gateway, principal: PersonPrincipal, id: string): Promise<ApiKeyRecord> {
  const record = await findKey(gateway.reads, gateway.personal, id)
  if (!record || !ownersOf(principal).includes(record.owner_id)) throw new GatewayError('key_not_found')
  return record
}

type Change = { principal: PersonPrincipal; record: ApiKeyRecord }

const keyOf = ({ id, created_by: createdBy }: Pick<ApiKeyFacts, 'id' | 'created_by'>) => ({ id, createdBy })

/** Runs a decision on a key of the principal. */
async function change<T>(call: Call, { principal }: Change, decide: (work: Work) => Promise<T>): Promise<T> {
  return commit(call, async (work) => {
    actAs(work, principal)
    return decide(work)
  })
}

/** A key acts for its creator, so another member of the organization that owns it only narrows and ends it. */
const isCreator = ({ principal, record }: Change) => principal.person.members.includes(record.created_by)

/** Gives a key new settings within those of the key that it was made from, and narrows what was made from it. */
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
 * Changes what a request names and leaves the rest; a key wider than the credential at hand cannot be changed with it. A key or another
 * application loosens nothing, itself included.
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
  const notes = await change(call, target, async (work) => {
    const nameDigest = gateway.personal.digest(keyNameLookup(record.owner_id, name))
    const { taken } = await findForNewKey(gateway.reads, { ownerId: record.owner_id, nameDigest })
    if (taken && taken !== record.id) throw new GatewayError('key_exists')
    return resettle(gateway, work, target, (before) => draft(gateway, principal, input, before), naming)
  })
  return { record: await written(gateway, record.id), notes }
}

/** Sets which services a key is for. @throws GatewayError as updateApiKey */
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
  await change(call, target, (work) => resettle(call.gateway, work, target, read, record))
  return written(call.gateway, record.id)
}

/** Whoever gets a new secret could use it when what made it has ended, so a key replaces only its own and those made from it. */
function checkRotation(target: Change): void {
  const { principal, record } = target
  if (!isCreator(target)) throw exceeded({ id: 'is a key of another member of the organization' })
  const { parent, application, delegated } = makerOf(principal)
  const own = !parent || record.id === parent.id || record.ancestors.includes(parent.id)
  const made = !application || record.application === application.id
  if (!own || !made || delegated) throw exceeded({ id: 'is not a key that this credential made' })
}

/**
 * A new secret for a key, which gets an end where the credential makes no key without one. Of several rotations at once one wins, the
 * others are refused.
 * @param graceSeconds how long the old secret is still accepted
 * @param arrivedAt when the request came: a key that was rotated since is somebody else's news
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
  const notes = await change(call, target, async (work) => {
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

/** Ends a key at once, and what was made from it; it stays in the list. @throws GatewayError key_not_found */
export async function revokeApiKey(call: Call, target: Change, reason: string): Promise<void> {
  await change(call, target, (work) => endKey(work, keyOf(target.record), reason))
}

/** Ends a key and what was made from it, and takes it off the list. @throws GatewayError key_not_found */
export async function deleteApiKey(call: Call, target: Change, reason: string): Promise<void> {
  await change(call, target, (work) => removeKey(work, keyOf(target.record), reason))
}
