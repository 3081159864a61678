import type postgres from 'postgres'
import { KEY_RING_ID, keyRing, rotateRoot } from '../../shared/domain/key-ring.ts'
import { changedKeyRing } from '../../shared/queries/opening.ts'
import { openStoredRing } from '../../shared/start.ts'
import { configuredRoots, openRing, type StoredRing, sealRing } from '../../shared/tokens/roots.ts'
import { actWithin, type Owner } from './operator.ts'
import { RefusedError } from './terminal.ts'

/** Replaces what the ring is sealed under. @returns false if it is not that version any more */
async function replaceKeyRoot(
  sql: postgres.TransactionSql,
  version: number,
  { root, wrapped, keys }: Omit<StoredRing, 'version'>,
): Promise<boolean> {
  const [row] = await sql<{ replaced: boolean }[]>`
    select auth_gateway.replace_key_root(${version}, ${root}, ${Buffer.from(wrapped, 'base64')}, ${sql.json(keys)}) as replaced`
  return row?.replaced ?? false
}

export type RotatedRoot = { root: string; previous: string; rotated: boolean }

/**
 * Seals the key ring under the first configured root, and records that, in one transaction. The keys stay the same.
 * @throws RefusedError if another process changed the ring meanwhile
 */
export async function rotateRootOf({ gateway, sql: connection }: Owner): Promise<RotatedRoot> {
  const { config, reads } = gateway
  const roots = configuredRoots(config)
  const [root] = roots
  const stored = await changedKeyRing(reads, 0)
  if (!root || !stored) throw new RefusedError('The database has no key ring yet.')
  const rotated = { root: root.id, previous: stored.root }
  if (stored.root === root.id) return { ...rotated, rotated: false }
  const { version } = stored
  const sealed = await sealRing((await openStoredRing(stored, roots)).keys, root)
  // The old root is not given up before the new one has opened what it sealed.
  await openRing({ ...sealed, version }, root)
  await connection.begin(async (sql) => {
    if (!(await replaceKeyRoot(sql, version, sealed)))
      throw new RefusedError('The key ring was changed meanwhile. Run the command again.')
    await actWithin(sql, gateway, async (work) => {
      const stream = await work.load(keyRing, KEY_RING_ID, {})
      stream.decide(() => rotateRoot(rotated))
    })
  })
  return { ...rotated, rotated: true }
}
