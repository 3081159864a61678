import type { TestGateway } from './gateway.ts'

/** Waits until every transaction that is open now, in any database of this server, has ended: then the log is settled up to here. */
export async function settled({ sql }: TestGateway): Promise<void> {
  const [now] = await sql<{ id: string }[]>`select pg_current_xact_id()::text as id`
  for (;;) {
    const [row] = await sql<{ done: boolean }[]>`
      select pg_snapshot_xmin(pg_current_snapshot()) > ${now?.id ?? '0'}::text::xid8 as done`
    if (row?.done) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
