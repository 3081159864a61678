import postgres from 'postgres'
import { expect, test } from 'vitest'
import { listAuditEvents } from '../../shared/queries/audit-events.ts'
import { createTraffic, testGateway } from '../projections/traffic.ts'
import { createTestDatabase } from '../support/database.ts'

test('events about a time are found though there is nothing before it, in whatever order they came', async () => {
  const database = await createTestDatabase()
  const gateway = await testGateway(database)
  const superuser = postgres(database.superuserUrl, { max: 1, onnotice: () => {} })
  try {
    await createTraffic(gateway).sweep(1)
    await superuser`set session_replication_role = replica`
    await superuser`set search_path = auth_gateway`
    for (const [n, id] of ['ffffffff-0000-7000-8000-000000000002', 'ffffffff-0000-7000-8000-000000000001'].entries())
      await superuser`insert into event_store select (jsonb_populate_record(e, jsonb_build_object(
          'position', (select max(position) + 1 from event_store), 'event_id', ${id}::text, 'version', ${1000 + n}::int,
          'recorded_at', now() + interval '2 days'))).* from event_store e where e.stream_type = 'identity' limit 1`
    const since = new Date(Date.now() + 86_400_000)
    const found = await listAuditEvents(gateway.reads, { of: 'everything' }, { since }, { order: 'desc', limit: 10 })
    expect(found).toHaveLength(2)
  } finally {
    await Promise.all([superuser.end(), gateway.close()])
    await database.drop()
  }
})
