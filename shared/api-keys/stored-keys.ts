import * as z from 'zod/mini'
import type { PersonPrincipal } from '../access/authenticate.ts'
import { commitAs } from '../access/authority.ts'
import type { Call } from '../call.ts'
import * as domain from '../domain/stored-key.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { once } from '../once.ts'
import { findStoredKey, listStoredKeys, noteStoredKeyRead, type StoredKeyRecord } from '../queries/stored-keys.ts'
import { requireUuid } from '../typed/fields.ts'
import { nameField, projectOf } from './projects.ts'
import { requireUniqueName } from './unique-name.ts'

const LONGEST_VALUE = 48_000

const label = once(() => z.optional(z.string().check(z.trim(), z.minLength(1), z.maxLength(60))))
const value = once(() =>
  z.optional(
    z.string('invalid_value').check(z.minLength(1, 'invalid_value'), z.maxLength(LONGEST_VALUE, 'invalid_value')),
  ),
)
const settable = once(() => ({
  value: value(),
  encryptedValue: value(),
  keyType: label(),
  environment: label(),
  accessLevel: label(),
  status: label(),
  rotationFrequency: label(),
  tags: z.optional(z.array(z.string().check(z.trim(), z.maxLength(60))).check(z.maxLength(50))),
  expiresAt: z.optional(z.iso.datetime({ offset: true, error: 'must be a date and time (RFC 3339)' })),
  metadata: z.optional(
    z.record(z.string(), z.unknown()).check(z.refine((value) => JSON.stringify(value).length <= 8192, 'is too large')),
  ),
}))
export const newStoredKeyBody = once(() => z.object({ name: nameField(), ...settable() }))
export const storedKeyChangesBody = once(() => z.object({ name: z.optional(nameField()), ...settable() }))

type Given = z.infer<ReturnType<typeof storedKeyChangesBody>>
type Seen = { call: Call; principal: PersonPrincipal }

/** Returns the public description of a stored key (docs/wire-contract.md 1.8). */
export function describeStoredKey(key: StoredKeyRecord) {
  return {
    id: key.id,
    name: key.name,
    encryptedValue: key.value,
    keyType: key.keyType,
    environment: key.environment,
    projectId: key.projectId,
    organizationId: key.organizationId,
    accessLevel: key.accessLevel,
    status: key.status,
    tags: key.tags,
    usageCount: key.reads,
    lastRotated: key.lastRotated?.toISOString() ?? null,
    rotationFrequency: key.rotationFrequency ?? null,
    expiresAt: key.expiresAt ?? null,
    metadata: key.metadata,
    createdBy: key.createdBy,
    createdAt: key.createdAt.toISOString(),
    updatedAt: key.updatedAt.toISOString(),
  }
}

const factsOf = (given: Given, before?: StoredKeyRecord): domain.StoredKeyFacts => ({
  keyType: given.keyType ?? before?.keyType ?? 'api_key',
  environment: given.environment ?? before?.environment ?? 'development',
  accessLevel: given.accessLevel ?? before?.accessLevel ?? 'team',
  status: given.status ?? before?.status ?? 'active',
  rotationFrequency: given.rotationFrequency ?? before?.rotationFrequency,
  expiresAt: given.expiresAt ? new Date(given.expiresAt).toISOString() : before?.expiresAt,
})

/** Encrypts a value with the data key of the key's creator, so that erasing them destroys it. */
function seal({ personal }: Gateway, subject: string, wrapped: Uint8Array | null, value: string): Buffer {
  if (!wrapped) throw new GatewayError('key_not_found', { reason: 'its creator was erased' })
  return Buffer.from(personal.seal(subject, personal.unwrap(subject, wrapped), value), 'base64')
}

export async function storedKeysOf({ call, principal }: Seen, projectId: string): Promise<StoredKeyRecord[]> {
  const { id } = await projectOf(call, principal, projectId)
  return listStoredKeys(call.gateway.reads, call.gateway.personal, id)
}

/**
 * Returns a stored key of a project that the principal sees. Reads are counted.
 * @throws GatewayError invalid_key_id, key_not_found, also for a key in another project
 */
export async function storedKeyOf(
  { call, principal }: Seen,
  id: string,
  options: { projectId?: string; counts?: boolean } = {},
): Promise<StoredKeyRecord> {
  const { reads, personal } = call.gateway
  const found = await findStoredKey(reads, personal, requireUuid(id, 'invalid_key_id'))
  if (!found || (options.projectId && options.projectId !== found.projectId)) throw new GatewayError('key_not_found')
  await projectOf(call, principal, found.projectId).catch((error: unknown) => {
    if (error instanceof GatewayError && error.refusal === 'project_not_found') throw new GatewayError('key_not_found')
    throw error
  })
  if (options.counts) await noteStoredKeyRead(reads, id)
  return found
}

/** @throws GatewayError invalid_value, key_conflict, too_many_keys, project_not_found */
export async function createStoredKey(
  seen: Seen,
  projectId: string,
  given: z.infer<ReturnType<typeof newStoredKeyBody>>,
): Promise<StoredKeyRecord> {
  const { call, principal } = seen
  const { person } = principal
  const value = given.encryptedValue ?? given.value
  if (!value) throw new GatewayError('invalid_value')
  const project = await projectOf(call, principal, projectId)
  const id = newId()
  await commitAs(call, principal, async (work) => {
    await requireUniqueName(call.gateway, { kind: 'stored-key', place: projectId, name: given.name })
    const details = { name: given.name, tags: given.tags ?? [], metadata: given.metadata ?? {} }
    const added = domain.addStoredKey({
      projectId,
      organizationId: project.organizationId,
      createdBy: person.uai,
      facts: factsOf(given),
      details,
      value: seal(call.gateway, person.uai, person.wrappedKey, value),
    })
    work.start(domain.storedKey, id, aboutPerson(person)).decide(() => added)
  })
  return storedKeyOf(seen, id)
}

/** @throws GatewayError key_not_found, key_conflict */
export async function updateStoredKey(seen: Seen, before: StoredKeyRecord, given: Given): Promise<StoredKeyRecord> {
  const { call, principal } = seen
  const { id, projectId, createdBy, wrappedKey } = before
  const value = given.encryptedValue ?? given.value
  const details = {
    name: given.name ?? before.name,
    tags: given.tags ?? before.tags,
    metadata: given.metadata ?? before.metadata,
  }
  await commitAs(call, principal, async (work) => {
    const stream = await work.load(domain.storedKey, id, { subject: createdBy, wrappedKey })
    await requireUniqueName(call.gateway, { kind: 'stored-key', place: projectId, name: details.name }, id)
    const sealed = value === undefined ? undefined : seal(call.gateway, createdBy, wrappedKey, value)
    stream.decide((state) =>
      domain.updateStoredKey(state, { projectId, facts: factsOf(given, before), details, value: sealed }),
    )
  })
  return storedKeyOf(seen, id)
}

/** Removes a key. Its value becomes unreadable, and the next maintenance run destroys it. */
export async function removeStoredKey({ call, principal }: Seen, key: StoredKeyRecord): Promise<void> {
  await commitAs(call, principal, async (work) => {
    const stream = await work.load(domain.storedKey, key.id, { subject: key.createdBy, wrappedKey: key.wrappedKey })
    stream.decide(domain.removeStoredKey)
  })
}
