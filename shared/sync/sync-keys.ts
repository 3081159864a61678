import { canonicalScope } from '../../packages/auth-server/src/scope.ts'
import { definedScopes } from '../api-keys/api-key-draft.ts'
import { type KeyChanges, newKeyBody, PLAIN_SETTINGS, readSettings } from '../api-keys/api-key-input.ts'
import { endChildrenOfLeaked, endKey, loadKey, narrowChildren } from '../api-keys/key-lineage.ts'
import type { Call } from '../call.ts'
import { apiKey, createKey, rotateKey, updateKey } from '../domain/api-key.ts'
import type { ApiKeySettings } from '../domain/api-key-settings.ts'
import { isKnownScope } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { type ApiKeyRecord, findKey, findKeysByHash } from '../queries/api-keys.ts'
import { findPerson } from '../queries/identities.ts'
import { findName } from '../queries/names.ts'
import type { Person } from '../queries/person.ts'
import { SUPABASE_SLUG } from '../sso/supabase-project.ts'
import type { SyncedKey } from './sync-input.ts'
import { findSupabasePerson } from './sync-users.ts'

const PREVIEW = 'imported'
const LONGEST_NAME = 100

type SyncedAs = {
  keyId?: string
  outcome: 'created' | 'changed' | 'rotated' | 'revoked' | 'unchanged' | 'skipped'
}

const known = (name: 'access_level' | 'key_context', value: string | undefined) =>
  newKeyBody().shape[name].safeParse(value).success ? value : undefined

/** Returns the known permissions of the key. Permissions that no key may have are dropped. */
function changesOf(
  { permissions, access_level, key_context, expires_at }: SyncedKey,
  defined: readonly string[],
): KeyChanges {
  const scopes = permissions.map(canonicalScope).filter((one) => isKnownScope(one, defined))
  const given = {
    scopes: scopes.length > 0 ? scopes : PLAIN_SETTINGS.scopes,
    access_level: known('access_level', access_level),
    key_context: known('key_context', key_context),
    ...(expires_at ? { expires_at: expires_at.toISOString() } : { clear_expiry: true }),
  }
  return given as KeyChanges
}

async function ownerOf(gateway: Gateway, userId: string): Promise<Person> {
  const owner = await findSupabasePerson(gateway, userId)
  const person = owner ?? (await findPerson(gateway.reads, gateway.personal, userId))
  if (!person) throw new GatewayError('not_found', { description: 'The user is unknown. Send the user first.' })
  return person
}

/** Names are unique here among the active keys of an owner, but not elsewhere, so a second one gets its id appended. */
const namesOf = ({ name, id }: SyncedKey) => [
  name.slice(0, LONGEST_NAME),
  `${name.slice(0, LONGEST_NAME - 39)} (${id.slice(0, 36)})`,
]

async function freeName({ reads, personal }: Gateway, owner: Person, key: SyncedKey): Promise<string> {
  const [plain = '', withId = ''] = namesOf(key)
  const { taken } = await findName(reads, personal, { kind: 'api-key', place: owner.uai, name: plain })
  return taken ? withId : plain
}

async function settingsOf({ reads, now }: Gateway, key: SyncedKey, before: ApiKeySettings): Promise<ApiKeySettings> {
  const defined = await definedScopes(reads)
  return readSettings(changesOf(key, defined), before, { now: now(), defined }).settings
}

async function create(gateway: Gateway, work: Work, owner: Person, key: SyncedKey): Promise<SyncedAs> {
  if (!key.is_active || (key.expires_at && key.expires_at <= gateway.now())) return { outcome: 'skipped' }
  const keyId = newId()
  const name = await freeName(gateway, owner, key)
  const settings = await settingsOf(gateway, key, PLAIN_SETTINGS)
  work.start(apiKey, keyId, aboutPerson(owner)).decide(() =>
    createKey({
      owner: { type: 'person', id: owner.uai },
      organizationId: owner.organizationId,
      createdBy: owner.uai,
      origin: 'import',
      name,
      secretHash: key.key_hash,
      preview: PREVIEW,
      settings,
    }),
  )
  return { keyId, outcome: 'created' }
}

const asStored = (settings: ApiKeySettings) => JSON.parse(JSON.stringify(settings))

type Target = { owner: Person; record: ApiKeyRecord; key: SyncedKey; rotate: boolean }

async function change(gateway: Gateway, work: Work, { owner, record, key, rotate }: Target): Promise<SyncedAs> {
  const target = { id: record.id, createdBy: record.created_by }
  const stream = await loadKey(work, target)
  const { state } = stream
  const done = (outcome: SyncedAs['outcome']): SyncedAs => ({ keyId: record.id, outcome })
  if (state.status === 'none' || state.status === 'deleted' || state.status === 'revoked') return done('unchanged')
  if (key.event_type === 'REVOKE' || !key.is_active) {
    await endKey(work, target, 'revoked elsewhere')
    return done('revoked')
  }
  if (rotate) {
    const { rotations: knownRotations } = state
    const rotation = { secretHash: key.key_hash, preview: PREVIEW, graceSeconds: 0, knownRotations, now: gateway.now() }
    await endChildrenOfLeaked(work, stream)
    stream.decide((current) => rotateKey(current, rotation))
    return done('rotated')
  }
  if (key.event_type !== 'UPDATE' || state.status !== 'active') return done('unchanged')
  if (key.expires_at && key.expires_at <= gateway.now()) {
    await endKey(work, target, 'expired elsewhere')
    return done('revoked')
  }
  const settings = await settingsOf(gateway, key, state.settings)
  const name = namesOf(key).includes(record.name) ? record.name : await freeName(gateway, owner, key)
  const { isDeepStrictEqual } = process.getBuiltinModule('node:util')
  if (name === record.name && isDeepStrictEqual(asStored(settings), asStored(state.settings))) return done('unchanged')
  const { description } = record
  stream.decide((current) => updateKey(current, { name, description, settings, mayLoosen: true }))
  await narrowChildren(work, stream)
  return done('changed')
}

/**
 * Imports an API key that another store of the ecosystem issued, or a change of it. Repeated input changes nothing. A key that was
 * issued here, or to another person, is not changed.
 * @throws GatewayError not_found (the user), credential_taken (the key), invalid_request
 */
export async function syncKey(call: Call, key: SyncedKey): Promise<SyncedAs> {
  const { gateway } = call
  return commit(call, async (work) => {
    work.actor = { type: 'service', id: SUPABASE_SLUG }
    const owner = await ownerOf(gateway, key.user_id)
    const hashes = [key.key_hash, ...(key.old_key_hash ? [key.old_key_hash] : [])]
    const found = await findKeysByHash(gateway.reads, hashes)
    const [current, before] = [key.key_hash, key.old_key_hash].map((hash) => found.find((one) => one.hash === hash))
    const target = current ?? before
    if (!target) return key.event_type === 'REVOKE' ? { outcome: 'skipped' } : create(gateway, work, owner, key)
    const record = await findKey(gateway.reads, gateway.personal, target.id)
    if (record?.origin !== 'import' || !owner.members.includes(record.owner_id))
      throw new GatewayError('credential_taken', { reason: 'key of another person, or issued here' })
    return change(gateway, work, { owner, record, key, rotate: current === undefined })
  })
}
