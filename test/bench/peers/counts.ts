import { onServer } from '../../../scripts/lib/gateway-database.ts'
import { drive } from './drive.ts'
import type { DatabaseServer } from './server.ts'
import type { Target } from './target.ts'
import type { OperationName } from './types.ts'

/** What one flow costs the database; unlike throughput, these hardly vary. */
export type Counts = {
  operation: OperationName
  peer: string
  /** Statements that the server sent, BEGIN and COMMIT included. */
  statements: number
  /** Transactions that wrote. */
  writes: number
  walKilobytes: number
  /** Events that the project appended. */
  events?: number
}

const FLOWS = 50

type Work = { statements: number; writes: number; wal: number; events?: number }

/** What a server has asked of its database so far. */
async function workOf({ peer, database, role }: Target, { url, sql }: DatabaseServer): Promise<Work> {
  const [row] = await sql<Work[]>`
    select coalesce(sum(s.calls), 0)::int as statements, pg_snapshot_xmax(pg_current_snapshot())::text::int as writes,
      (pg_current_wal_lsn() - '0/0')::float8 as wal
    from pg_stat_statements s join pg_database d on d.oid = s.dbid join pg_roles r on r.oid = s.userid
    where d.datname = ${database} and r.rolname = ${role}`
  if (!row) throw new Error('pg_stat_statements returned no row')
  return { ...row, events: peer.program ? undefined : await countEvents(url, database) }
}

async function countEvents(serverUrl: string, database: string): Promise<number> {
  const address = new URL(serverUrl)
  address.pathname = `/${database}`
  return onServer(address.href, async (sql) => {
    const [row] = await sql<{ events: number }[]>`select count(*)::int as events from auth_gateway.event_store`
    return row?.events ?? 0
  })
}

/** Runs some flows of one user, with nothing else on the database server, and returns what one of them costs. */
export async function countPerFlow(target: Target, operation: OperationName, server: DatabaseServer): Promise<Counts> {
  const { peer, url, context } = target
  const readings: Work[] = []
  await drive({ peer: peer.name, operation, url, context, users: 1, amount: { flows: FLOWS } }, async () => {
    readings.push(await workOf(target, server))
  })
  const [before, after] = readings
  if (!before || !after) throw new Error('the load generator ran no flows')
  return {
    operation,
    peer: peer.name,
    statements: (after.statements - before.statements) / FLOWS,
    writes: (after.writes - before.writes) / FLOWS,
    walKilobytes: (after.wal - before.wal) / FLOWS / 1024,
    events: after.events === undefined ? undefined : (after.events - (before.events ?? 0)) / FLOWS,
  }
}
