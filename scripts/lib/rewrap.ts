import { setTimeout as pause } from 'node:timers/promises'
import { currentSigner, makeCheckpoints, signerOfNote } from '../../shared/audit/checkpoints.ts'
import { finishRewrap, KEY_RING_ID, keyRing, rewrapStatement } from '../../shared/domain/key-ring.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { listCheckpoints } from '../../shared/queries/audit-tree.ts'
import { changedKeyRing } from '../../shared/queries/opening.ts'
import { completeRing, openStoredRing } from '../../shared/start.ts'
import { createKeyRing, isRewrapping, nextKeys, type RingKey } from '../../shared/tokens/key-ring.ts'
import type { NoteSigner } from '../../shared/tokens/note.ts'
import { configuredRoots } from '../../shared/tokens/roots.ts'
import { actWithin, type Owner } from './operator.ts'
import { type Rewrapping, rewrapBatch } from './rewrap-batch.ts'
import {
  batchesOf,
  finishedRewrap,
  listSealed,
  olderRemain,
  openSealed,
  type Rewrapped,
  type SealedTable,
  sealedTables,
} from './sealed-values.ts'
import { RefusedError } from './terminal.ts'

/** How long until every process has read a new key: a request waits for a ring that was not read for twice KEY_RING_SECONDS. */
const knownBy = ({ config }: Gateway) => Math.ceil(2.5 * config.KEY_RING_SECONDS)

const CHECKED_AT_ONCE = 2000
/** Pause before values that others had locked are tried again. */
const LOCKED_MS = 50

/** Reads the key ring into this gateway. */
async function readRing({ config, reads, ring }: Gateway): Promise<void> {
  const stored = await changedKeyRing(reads, 0)
  if (stored) ring.replace((await openStoredRing(stored, configuredRoots(config))).keys)
}

/**
 * Adds keys of a new epoch to the ring, unless a rewrap is running.
 * @returns its key for data keys of people
 */
async function begin(gateway: Gateway, knownSeconds: number): Promise<RingKey> {
  const { config, reads, ring } = gateway
  const roots = configuredRoots(config)
  const stored = await changedKeyRing(reads, 0)
  if (!stored) throw new RefusedError('The database has no key ring yet.')
  const activeFrom = new Date(gateway.now().getTime() + knownSeconds * 1000)
  const next = (keys: readonly RingKey[]) => (isRewrapping(keys) ? [] : nextKeys(keys, activeFrom))
  const { keys } = await completeRing(reads, await openStoredRing(stored, roots), roots, next)
  ring.replace(keys)
  const [newest] = keys.filter(({ purpose }) => purpose === 'subject-key-wrapping').sort((a, b) => b.epoch - a.epoch)
  if (!newest) throw new Error('the key ring has no key for data keys')
  return newest
}

/**
 * Returns the signer of the log, which gets its first checkpoint if it has none.
 * @throws RefusedError when another key than the one that is configured here signs the log
 */
async function signerOfLog(gateway: Gateway): Promise<NoteSigner> {
  const newest = async () => (await listCheckpoints(gateway.reads, { limit: 1 })).at(0)
  if (!(await newest())) await makeCheckpoints(gateway)
  const { note } = (await newest()) ?? {}
  if (!note || !signerOfNote(gateway, note).open(note))
    throw new RefusedError(
      'The newest checkpoint is signed by another key: set AUDIT_SIGNING_KEY as the gateway has it, or wait for the first one of a new key.',
    )
  return currentSigner(gateway)
}

async function until({ now }: Gateway, time: number): Promise<void> {
  for (let left = time - now().getTime(); left > 0; left = time - now().getTime()) await pause(Math.min(left, 60_000))
}

/** Seals again what keys of older epochs have sealed. Rows that others have locked are left for the next round. */
async function rewrapAll(rewrapping: Rewrapping): Promise<void> {
  const { epoch, owner } = rewrapping
  const isDone = async () => (await finishedRewrap(owner.sql, epoch)) || !(await olderRemain(owner.sql, epoch))
  while (!(await isDone())) {
    for (const table of sealedTables)
      for (let after: string | undefined = ''; after !== undefined; )
        after = await rewrapBatch(rewrapping, table, after)
    await pause(LOCKED_MS)
  }
}

/**
 * Opens every value before its older keys are given up.
 * @throws RefusedError naming one that does not open
 */
async function openAll({ owner: { sql, gateway }, epoch }: Rewrapping, table: SealedTable): Promise<void> {
  const newest = createKeyRing(
    gateway.ring.all().filter((key) => key.epoch === epoch),
    gateway.now,
  )
  for (let after = ''; ; ) {
    const rows = await listSealed(sql, table, { after, limit: CHECKED_AT_ONCE })
    for (const row of rows) openSealed(newest, row)
    const last = rows.at(-1)
    if (!last) return
    after = last.id
  }
}

/**
 * Removes the older keys and records that, in one transaction, while no value can be added.
 * @returns undefined if there is an older value left
 */
async function finish({ owner, epoch, signer }: Rewrapping): Promise<Rewrapped | undefined> {
  const { sql: connection, gateway } = owner
  return connection.begin(async (sql) => {
    await sql`set local lock_timeout = '10s'`
    await sql`set local statement_timeout = 0`
    await sql`select 1 from auth_gateway.key_root for update`
    await sql`lock table auth_gateway.subject_keys, auth_gateway.event_secrets in share mode`
    const known = await finishedRewrap(sql, epoch)
    if (known) return known
    if (await olderRemain(sql, epoch)) return undefined
    const rewrapped = await batchesOf(sql, epoch)
    await sql`
      delete from auth_gateway.key_ring k where k.epoch < ${epoch}
        and exists (select from auth_gateway.key_ring n where n.purpose = k.purpose and n.epoch = ${epoch})`
    await sql`update auth_gateway.key_root set version = version + 1`
    await sql`delete from auth_gateway.rewrapped_batches where epoch < ${epoch}`
    await actWithin(sql, gateway, async (work) => {
      const stream = await work.load(keyRing, KEY_RING_ID, {})
      const note = signer.signText(rewrapStatement(signer.origin, rewrapped))
      stream.decide((state) => finishRewrap(state, { ...rewrapped, note }))
    })
    return { epoch, batches: rewrapped.batches, values: rewrapped.values }
  })
}

/**
 * Seals everything that the database keeps sealed again under keys of a new epoch, and removes the older keys. Run again after a crash, it
 * continues. Any number of commands may run at once.
 * @param times.knownSeconds until the new keys are used; without it, until every process has read them
 * @param times.overlapSeconds from then on until the older keys are removed, with which links and forms are sealed
 * @throws RefusedError when a value does not open, or is not the one that was stored
 */
export async function rewrapKeys(
  owner: Owner,
  times: { knownSeconds?: number; overlapSeconds: number },
): Promise<Rewrapped> {
  const { gateway } = owner
  const signer = await signerOfLog(gateway)
  const { epoch, activeFrom } = await begin(gateway, times.knownSeconds ?? knownBy(gateway))
  const rewrapping = { owner, epoch, signer }
  await until(gateway, activeFrom.getTime())
  await rewrapAll(rewrapping)
  await until(gateway, activeFrom.getTime() + times.overlapSeconds * 1000)
  for (;;) {
    await rewrapAll(rewrapping)
    for (const table of sealedTables) await openAll(rewrapping, table)
    const done = await finish(rewrapping)
    if (!done) continue
    await readRing(gateway)
    return done
  }
}
