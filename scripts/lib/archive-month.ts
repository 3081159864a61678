import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createGzip } from 'node:zlib'
import type postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { checkpointSigner } from '../../shared/audit/checkpoints.ts'
import { checkpointLine, createExport, eventLine } from '../../shared/audit/export.ts'
import { proveInclusion } from '../../shared/audit/proofs.ts'
import { archive, makeArchive } from '../../shared/domain/archive.ts'
import { commit } from '../../shared/events/commit.ts'
import { createEventStore } from '../../shared/events/store.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { type EventRecord, recordColumns } from '../../shared/queries/event-records.ts'
import type { NoteSigner } from '../../shared/tokens/note.ts'
import { hashOf } from './hash-of.ts'
import { type Month, obstacleTo } from './months.ts'
import { actAsAccount, commandContext } from './operator.ts'
import { RefusedError } from './terminal.ts'

const BATCH = 1000
const VERIFIER = fileURLToPath(new URL('../verify-export.mjs', import.meta.url))

/** The owner's connection, and a gateway on it. */
type Owner = { sql: postgres.Sql; gateway: Gateway }

type By = { signer: NoteSigner; issuer: string }

export type Archived = { month: string; events: number; streams: number; file: string; sha256: string }

/**
 * Takes a month of short-lived streams out of the event store into a file in a folder. The file is written and verified first; then the
 * month, what hangs on its streams, and the event that tells of it change in one transaction. Whatever fails before leaves the store as it was.
 * @throws RefusedError when it cannot be archived, or the file does not verify
 */
export async function archiveMonth({ sql, gateway }: Owner, month: Month, folder: string): Promise<Archived> {
  if (month.obstacle) throw new RefusedError(`${month.month} cannot be archived: ${month.obstacle}`)
  const signer = checkpointSigner(gateway)
  const file = `lanonasis-audit-${month.month}.jsonl.gz`
  const place = path.join(folder, file)
  const partial = path.join(folder, `partial-${file}`)
  try {
    await writeMonth(sql, month, { signer, issuer: gateway.issuer }, partial)
    const seen = await verifyFile(partial, signer.verifierKey)
    const sha256 = await hashOf(partial)
    await rename(partial, place)
    await takeOut({ sql, gateway }, month, { file, sha256, ...seen })
    return { month: month.month, file: place, sha256, ...seen }
  } finally {
    await rm(partial, { force: true })
  }
}

async function writeMonth(sql: postgres.Sql, month: Month, by: By, place: string): Promise<void> {
  await sql.begin('isolation level repeatable read read only', async (transaction) => {
    await transaction`set local statement_timeout = 0`
    await transaction`set local idle_in_transaction_session_timeout = 0`
    const lines = Readable.from(linesOf(transaction, month, by))
    await pipeline(lines, createGzip(), createWriteStream(place, { mode: 0o600, flush: true }))
  })
}

async function* linesOf(sql: postgres.TransactionSql, { month, partition }: Month, { signer, issuer }: By) {
  const [checkpoint] = await sql<{ size: string; note: string }[]>`
    select size::text, note from auth_gateway.audit_checkpoints order by size desc limit 1`
  if (!checkpoint) throw new RefusedError('There is no checkpoint yet')
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

/** What an outsider sees in the file. */
async function verifyFile(file: string, verifierKey: string): Promise<{ events: number; streams: number }> {
  const args = [VERIFIER, file, '--json', '--key', verifierKey]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 }).catch((error) => error)
  const { ok, events, streams, included, faults } = JSON.parse(stdout)
  if (!ok || included !== events) throw new RefusedError(`The archive does not verify: ${JSON.stringify(faults[0])}`)
  return { events, streams }
}

type Made = { file: string; sha256: string; events: number; streams: number }

async function takeOut({ sql: connection, gateway }: Owner, month: Month, made: Made): Promise<void> {
  const id = uuidv7()
  await connection.begin(async (sql) => {
    await sql`set local statement_timeout = 0`
    await sql`set local idle_in_transaction_session_timeout = 0`
    await sql`set local lock_timeout = '10s'`
    const partition = sql`auth_gateway.${sql(month.partition)}`
    await sql`lock table ${partition} in exclusive mode`
    const obstacle = await obstacleTo(sql, month)
    if (obstacle) throw new RefusedError(`${month.month} cannot be archived: ${obstacle}`)
    const [now] = await sql<{ events: number; ended_by: Date }[]>`
      select count(*)::integer as events, greatest(max(recorded_at),
        (select max(s.expires_at) from auth_gateway.sessions s join ${partition} e on e.stream_id = s.id and e.version = 1),
        (select max(f.expires_at) from auth_gateway.token_families f join ${partition} e on e.stream_id = f.id and e.version = 1)) as ended_by
      from ${partition}`
    if (now?.events !== made.events) throw new RefusedError(`${month.month} has changed meanwhile: try again`)
    await sql`select auth_gateway.take_out_month(${id}, ${`${month.month}-01`})`
    const [taken] = await sql<{ positions: string; sha256: string }[]>`
      select count(*)::integer as positions,
        encode(sha256(convert_to(coalesce(string_agg(position || E'\n', '' order by position), ''), 'UTF8')), 'hex') as sha256
      from auth_gateway.archived_events where archive_id = ${id}`
    if (Number(taken?.positions) !== made.events)
      throw new RefusedError(`${month.month} is not whole in the audit tree`)
    await commit({ ...commandContext(gateway), store: createEventStore(sql, sql) }, async (work) => {
      actAsAccount(work)
      const about = { month: month.month, endedBy: (now.ended_by ?? new Date()).toISOString() }
      work.start(archive, id, {}).decide(() => makeArchive({ ...about, ...made, positionsSha256: taken?.sha256 ?? '' }))
    })
    await sql`alter table auth_gateway.event_store_short_lived detach partition ${partition}`
    await sql`drop table ${partition}`
  })
}
