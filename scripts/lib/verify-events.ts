import type postgres from 'postgres'
import type { Checkpoint } from '../../shared/tokens/note.ts'
import { createFindings, type FaultReport } from './findings.ts'
import { verifyArchives } from './verify-archives.ts'
import { verifyBeside } from './verify-beside.ts'
import { walkChains } from './verify-chains.ts'
import { verifySurroundings } from './verify-surroundings.ts'
import { type OpenNote, verifyTree } from './verify-tree.ts'

export type Verification = { ok: boolean; events: number; streams: number; archives: number; faults: FaultReport[] }

/**
 * Checks the whole event store and what hangs on it against itself, and against its signed checkpoints, in one snapshot.
 * @param outside the log's verifier key and what opens checkpoints with it, and what was kept outside of the database: checkpoints,
 *   and the folder of the archives
 */
export async function verifyEvents(
  sql: postgres.Sql,
  outside: { key?: string; openNote?: OpenNote; known?: Checkpoint[]; archives?: string } = {},
): Promise<Verification> {
  const findings = createFindings()
  const counted = await sql.begin('isolation level repeatable read read only', async (transaction) => {
    await transaction`set local statement_timeout = 0`
    await transaction`set local idle_in_transaction_session_timeout = 0`
    const walked = await walkChains(transaction, findings.add)
    await verifySurroundings(transaction, findings.add)
    await verifyBeside(transaction, findings.add)
    const archives = await verifyArchives(transaction, findings.add, outside)
    await verifyTree(transaction, findings.add, outside)
    return { ...walked, archives }
  })
  const faults = findings.reports()
  return { ok: faults.length === 0, ...counted, faults }
}
