import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { begin } from '../../shared/domain/session.ts'
import { createEventStore } from '../../shared/events/store.ts'
import type { BenchDatabase } from './database.ts'
import { CONNECTIONS, percentile, type Row } from './measure.ts'

/** Appends new streams of one event each, straight through the event store, projection included. */
export async function measureAppends(database: BenchDatabase, seconds: number): Promise<Row> {
  const sql = postgres(database.appUrl, { max: CONNECTIONS, prepare: false, onnotice: () => {} })
  const store = createEventStore(sql, sql, CONNECTIONS)
  const workSince = await database.countWork()
  const times: number[] = []
  const startedAt = performance.now()
  const worker = async () => {
    while (performance.now() - startedAt < seconds * 1000) {
      const at = performance.now()
      await store.append([newSession()])
      times.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  const elapsed = (performance.now() - startedAt) / 1000
  const work = await workSince()
  await sql.end()
  times.sort((a, b) => a - b)
  return {
    name: 'event append',
    perSecond: times.length / elapsed,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    databaseCpu: work.cpuMicroseconds / times.length,
    statements: work.statements / times.length,
    commits: work.commits / times.length,
    unexpected: [],
  }
}

function newSession() {
  const uai = uuidv7()
  const now = new Date()
  const [event] = begin({
    uai,
    platform: 'web',
    projectScope: 'lanonasis-maas',
    method: 'otp',
    amr: ['otp'],
    acr: 'urn:lanonasis:acr:verified-address',
    authenticatedAt: now.toISOString(),
    idleSeconds: 3600,
    expiresAt: new Date(now.getTime() + 3_600_000).toISOString(),
    provenBy: { type: 'otp_challenge', id: uuidv7() },
  }).events
  const stored = { event_id: uuidv7(), event_type: event?.type ?? '', schema_version: 1, subject: uai }
  return {
    stream_type: 'session',
    stream_id: uuidv7(),
    expected_version: 0,
    events: [{ ...stored, data: event?.data ?? {}, metadata: { actorType: 'system', actor: 'bench' } }],
  }
}
