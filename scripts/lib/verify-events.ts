import type postgres from 'postgres'
import type { KeyRing } from '../../shared/tokens/key-ring.ts'
import type { Checkpoint } from '../../shared/tokens/note.ts'
import { createFindings, type FaultReport, type Report } from './findings.ts'
import { grantText, listForeignGrants, listUnguarded } from './guards.ts'
import type { OpenNote, OpenText } from './kept-checkpoints.ts'
import { verifyArchives } from './verify-archives.ts'
import { walkChains } from './verify-chains.ts'
import { verifyConsistency } from './verify-consistency.ts'
import { verifyErasable } from './verify-erasable.ts'
import { verifyPeople } from './verify-people.ts'
import { verifyRewraps } from './verify-rewraps.ts'
import { verifyTree } from './verify-tree.ts'

export type Verification = { ok: boolean; events: number; streams: number; archives: number; faults: FaultReport[] }

/** What is known outside of the database: the log's verifier keys, checkpoints, archives, and its key ring. */
export type Outside = {
  keys?: string[]
  openNote?: OpenNote
  openText?: OpenText
  known?: Checkpoint[]
  /** The folder of the archives. */
  archives?: string
  ring?: KeyRing
}

/**
 * Checks the whole event store and what is derived from it for consistency, and against its signed checkpoints, in one snapshot.
 */
export async function verifyEvents(sql: postgres.Sql, outside: Outside = {}): Promise<Verification> {
  const findings = createFindings()
  const counted = await sql.begin('isolation level repeatable read read only', async (transaction) => {
    await transaction`set local statement_timeout = 0`
    await transaction`set local idle_in_transaction_session_timeout = 0`
    const walked = await walkChains(transaction, findings.add)
    await verifyConsistency(transaction, findings.add)
    await verifyErasable(transaction, findings.add)
    const archives = await verifyArchives(transaction, findings.add, outside)
    await verifyTree(transaction, findings.add, outside)
    await verifyRewraps(transaction, findings.add, outside.openText)
    await verifyPeople(transaction, findings.add, outside.ring)
    await verifyGuards(transaction, findings.add)
    return { ...walked, archives }
  })
  const faults = findings.reports()
  return { ok: faults.length === 0, ...counted, faults }
}

/** Checks that the database keeps the log append-only, and other roles out. */
async function verifyGuards(sql: postgres.TransactionSql, report: Report): Promise<void> {
  for (const { relation, guard } of await listUnguarded(sql))
    report({ fault: 'unguarded', table: relation, detail: guard })
  for (const grant of await listForeignGrants(sql))
    if (grant.severe) report({ fault: 'foreign_grant', table: grant.role, detail: grantText(grant) })
}
