import type postgres from 'postgres'
import type { Finding } from './findings.ts'
import { grantText, listForeignGrants, listUnguarded } from './guards.ts'

/** Checks that the database keeps the log append-only, and other roles out. */
export async function verifyGuards(sql: postgres.TransactionSql, report: (finding: Finding) => void): Promise<void> {
  for (const { relation, guard } of await listUnguarded(sql))
    report({ fault: 'unguarded', table: relation, detail: guard })
  for (const grant of await listForeignGrants(sql))
    if (grant.severe) report({ fault: 'foreign_grant', table: grant.role, detail: grantText(grant) })
}
