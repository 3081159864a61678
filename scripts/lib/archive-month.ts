import { createWriteStream, existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import type postgres from 'postgres'
import { checkpointSigner } from '../../shared/audit/checkpoints.ts'
import { checkpointLine, createExport, eventLine } from '../../shared/audit/export.ts'
import { proveInclusion } from '../../shared/audit/proofs.ts'
import { archive, makeArchive } from '../../shared/domain/archive.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { newId } from '../../shared/ids.ts'
import { logOrigins } from '../../shared/queries/audit-tree.ts'
import { type EventRecord, recordColumns } from '../../shared/queries/event-records.ts'
import { readNote } from '../../shared/tokens/note.ts'
import { endOf, type Month, obstacleTo, positionsSha256 } from './months.ts'
import { actWithin, type Owner } from './operator.ts'
import { RefusedError } from './terminal.ts'
import { type ReadArchive, readArchive } from './verify-archives.ts'

const BATCH = 1000
/** How often it tries to detach the month, and the pause in between. */
const DETACH_ATTEMPTS = 20
const DETACH_PAUSE_MS = 1000

type Archived = { month: string; events: number; streams: number; file: string; sha256: string }

/**
 * Moves a month of short-lived streams from the event store into a file in a folder. The file is written and verified first; then one
 * transaction removes the month and what belongs to its streams and records the event; at its end the file gets its name.
 * An error before that leaves the store unchanged.
 * @throws RefusedError when it cannot be archived, or the file does not verify
 */
export async function archiveMonth({ sql, gateway }: Owner, month: Month, folder: string): Promise<Archived> {
  if (month.obstacle) throw new RefusedError(`${month.month} cannot be archived: ${month.obstacle}`)
  const id = newId()
  const place = path.join(folder, `lanonasis-audit-${month.month}.jsonl.gz`)
  const partial = path.join(folder, `partial-${id}.jsonl.gz`)
  refuseExisting(place)
  try {
    await writeMonth({ sql, gateway }, month, partial)
    const keys = (await logOrigins(sql)).map((origin) => checkpointSigner(gateway, origin).verifierKey)
    const { faults, ...read } = await readArchive(partial, keys)
    if (faults.length > 0) throw new RefusedError(`The archive does not verify: ${JSON.stringify(faults[0])}`)
    const made = { ...read, file: path.basename(place) }
    await takeOut({ sql, gateway }, month, { id, made, keep: () => moveTo(partial, place) })
    return { month: month.month, events: made.events, streams: made.streams, file: place, sha256: made.sha256 }
  } finally {
    await rm(partial, { force: true })
  }
}

/** An existing file may be the only copy of a month: of this log, if an earlier run failed at the end, or of another one. */
function refuseExisting(place: string): void {
  if (existsSync(place)) throw new RefusedError(`${place} already exists: check what it is, and move it away`)
}

/** Syncs the folder, so that the file survives a power failure: there is no other copy of the month. */
async function moveTo(partial: string, place: string): Promise<void> {
  refuseExisting(place)
  await rename(partial, place)
  const folder = await open(path.dirname(place))
  await folder.sync()
  await folder.close()
}

async function writeMonth({ sql, gateway }: Owner, month: Month, place: string): Promise<void> {
  await sql.begin('isolation level repeatable read read only', async (transaction) => {
    await transaction`set local statement_timeout = 0`
    await transaction`set local idle_in_transaction_session_timeout = 0`
    const lines = Readable.from(linesOf(transaction, gateway, month))
    await pipeline(lines, createGzip(), createWriteStream(place, { mode: 0o600, flush: true }))
  })
}

async function* linesOf(sql: postgres.TransactionSql, gateway: Gateway, { month, partition }: Month) {
  const [checkpoint] = await sql<{ size: string; note: string }[]>`
    select c.size::text, c.note from auth_gateway.audit_checkpoints c order by c.size desc limit 1`
  if (!checkpoint) throw new RefusedError('There is no checkpoint yet')
  const { issuer } = gateway
  const signer = checkpointSigner(gateway, readNote(checkpoint.note)?.origin ?? '')
  const out = createExport({ issuer, exported_at: new Date().toISOString(), scope: { of: 'month', month }, after: '0' })
  yield `${out.header()}\n`
  yield `${out.line(checkpointLine(checkpoint, signer))}\n`
  for (let after = '0', more = true; more; ) {
    const events: EventRecord[] = await sql<EventRecord[]>`
      select ${recordColumns(sql)} from auth_gateway.${sql(partition)} e where e.position > ${after} order by e.position limit ${BATCH}`
    const positions = events.map(({ position }) => position)
    const proofs = await proveInclusion(sql, positions, Number(checkpoint.size))
    for (const event of events) yield `${out.line({ ...eventLine(event), inclusion: proofs.get(event.position) })}\n`
    after = positions.at(-1) ?? after
    more = events.length === BATCH
  }
  yield `${out.end(null)}\n`
}

type Outcome = {
  id: string
  made: ReadArchive & { file: string }
  /** Gives the file its name. */
  keep: () => Promise<void>
}

async function takeOut({ sql: connection, gateway }: Owner, month: Month, outcome: Outcome): Promise<void> {
  const { id, made, keep } = outcome
  await connection.begin(async (sql) => {
    await sql`set local statement_timeout = 0`
    await sql`set local idle_in_transaction_session_timeout = 0`
    await sql`set local lock_timeout = '10s'`
    await sql`lock table auth_gateway.${sql(month.partition)} in exclusive mode`
    const obstacle = await obstacleTo(sql, month)
    if (obstacle) throw new RefusedError(`${month.month} cannot be archived: ${obstacle}`)
    const endedBy = await endOf(sql, month)
    await sql`select auth_gateway.delete_archived_month(${id}, ${`${month.month}-01`})`
    const [taken] = await sql<{ sha256: string }[]>`
      select ${positionsSha256(sql)} as sha256 from auth_gateway.archived_events x where x.archive_id = ${id}`
    if (taken?.sha256 !== made.positionsSha256)
      throw new RefusedError(`${month.month} has changed meanwhile, or is not completely in the audit tree: try again`)
    await actWithin(sql, gateway, async (work) => {
      const summary = { ...made, month: month.month, endedBy: endedBy.toISOString() }
      work.start(archive, id, {}).decide(() => makeArchive(summary))
    })
    await detach(sql, month)
    await keep()
  })
}

/** Sign-ins wait while this waits for a lock, so it waits briefly and tries again: another session may be reading the whole log. */
async function detach(connection: postgres.TransactionSql, { month, partition }: Month): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connection.savepoint(async (sql) => {
        await sql`set local lock_timeout = '300ms'`
        await sql`alter table auth_gateway.event_store_short_lived detach partition auth_gateway.${sql(partition)}`
        await sql`drop table auth_gateway.${sql(partition)}`
      })
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error
      if (attempt === DETACH_ATTEMPTS)
        throw new RefusedError(
          `${month} is being read by a verification, an export or a backup: try again when that has ended`,
        )
      await pause(DETACH_PAUSE_MS)
    }
  }
}
