import type postgres from 'postgres'
import { createFindings, type FaultReport } from './findings.ts'
import { walkChains } from './verify-chains.ts'
import { verifySurroundings } from './verify-surroundings.ts'

export type Verification = { ok: boolean; events: number; streams: number; faults: FaultReport[] }

/** Checks the whole event store and what hangs on it against itself, in one snapshot. */
export async function verifyEvents(sql: postgres.Sql): Promise<Verification> {
  const findings = createFindings()
  const counted = await sql.begin('isolation level repeatable read read only', async (transaction) => {
    await transaction`set local statement_timeout = 0`
    await transaction`set local idle_in_transaction_session_timeout = 0`
    const walked = await walkChains(transaction, findings.add)
    await verifySurroundings(transaction, findings.add)
    return walked
  })
  const faults = findings.reports()
  return { ok: faults.length === 0, ...counted, faults }
}
