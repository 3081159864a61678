import { createHash, randomBytes } from 'node:crypto'
import type postgres from 'postgres'
import { batchStatement } from '../../shared/domain/key-ring.ts'
import { leafHash, rootOver } from '../../shared/events/merkle.ts'
import type { NoteSigner } from '../../shared/tokens/note.ts'
import type { Owner } from './operator.ts'
import { finishedRewrap, listSealed, openSealed, type SealedTable, storeSealed } from './sealed-values.ts'
import { RefusedError } from './terminal.ts'

const BATCH = 500
const SALT_BYTES = 16

/** A rewrap to an epoch, and what signs its batches. */
export type Rewrapping = { owner: Owner; epoch: number; signer: NoteSigner }

/** Salted, so that the leaf of an erased value reveals nothing. `auth_gateway.rewrapped_leaf` computes the same. */
const leafOf = (salt: Uint8Array, name: string, sealed: Uint8Array) =>
  leafHash(createHash('sha256').update(salt).update(`${name}\n`).update(sealed).digest())

/**
 * Seals the next values of a table again, and stores them with the signed root over them, in one transaction.
 * @param after the id of the last value before them
 * @returns the id of the last one; undefined if there is none
 * @throws RefusedError naming a value that does not open, or that is not the one that was stored
 */
export async function rewrapBatch(
  { owner, epoch, signer }: Rewrapping,
  table: SealedTable,
  after: string,
): Promise<string | undefined> {
  const { ring } = owner.gateway
  return owner.sql.begin(async (sql) => {
    // One batch at a time, of all commands.
    await sql`select 1 from auth_gateway.key_root for update`
    if (await finishedRewrap(sql, epoch)) return undefined
    const rows = await listSealed(sql, table, { after, limit: BATCH, olderThan: epoch })
    if (rows.length === 0) return undefined
    const values = rows.map((row) => {
      if (!row.isSound || !row.purpose)
        throw new RefusedError(`${row.name} is not what was stored: npm run events -- verify`)
      const salt = randomBytes(SALT_BYTES)
      const sealed = ring.seal(row.purpose, openSealed(ring, row), row.context)
      return { id: row.id, salt, sealed, leaf: leafOf(salt, row.name, sealed) }
    })
    const leaves = values.map(({ leaf }) => leaf)
    const root = rootOver(leaves)
    const batch = await nextBatch(sql, epoch)
    const statement = { epoch, batch, values: leaves.length, root: root.toString('base64') }
    const note = signer.signText(batchStatement(signer.origin, statement))
    await sql`
      insert into auth_gateway.rewrapped_batches (epoch, batch, leaves, root, note)
      values (${epoch}, ${batch}, ${Buffer.concat(leaves)}, ${root}, ${note})`
    await storeSealed(sql, table, batch, values)
    return rows.at(-1)?.id
  })
}

async function nextBatch(sql: postgres.TransactionSql, epoch: number): Promise<number> {
  const [row] = await sql<{ batch: number }[]>`
    select coalesce(max(batch), 0) + 1 as batch from auth_gateway.rewrapped_batches where epoch = ${epoch}`
  return row?.batch ?? 1
}
