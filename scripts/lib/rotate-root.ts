import type postgres from 'postgres'
import { KEY_RING_ID, keyRing, rotateRoot } from '../../shared/domain/key-ring.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { changedKeyRing } from '../../shared/queries/opening.ts'
import { openStoredRing } from '../../shared/start.ts'
import { configuredRoots, openRing, type StoredRing, sealRing } from '../../shared/tokens/roots.ts'
import { act } from './operator.ts'
import { RefusedError } from './terminal.ts'

/** Replaces what the ring is sealed under. @returns false if it is not that version any more */
async function replaceKeyRoot(
  sql: postgres.Sql,
  version: number,
  { root, wrapped, keys }: Omit<StoredRing, 'version'>,
): Promise<boolean> {
  const [row] = await sql<{ replaced: boolean }[]>`
    select auth_gateway.replace_key_root(${version}, ${root}, ${Buffer.from(wrapped, 'base64')}, ${sql.json(keys)}) as replaced`
  return row?.replaced ?? false
}

export type RotatedRoot = { root: string; previous: string; rotated: boolean }

/**
 * Seals the key ring under the first configured root, and records that. The keys stay the same. Run again after a crash, it does what is
 * left: sealing is one transaction, and the event is recorded once.
 * @throws RefusedError if another process changed the ring meanwhile
 */
export async function rotateRootOf(gateway: Gateway): Promise<RotatedRoot> {
  const { config, reads } = gateway
  const roots = configuredRoots(config)
  const [root] = roots
  const stored = await changedKeyRing(reads, 0)
  if (!root || !stored) throw new RefusedError('The database has no key ring yet.')
  const rotated = stored.root !== root.id
  if (rotated) {
    const { keys } = await openStoredRing(stored, roots)
    if (!(await replaceKeyRoot(reads, stored.version, await sealRing(keys, root))))
      throw new RefusedError('The key ring was changed meanwhile. Run the command again.')
    const replaced = await changedKeyRing(reads, 0)
    if (!replaced) throw new Error('the key ring is gone')
    await openRing(replaced, root)
  }
  const { id } = root
  return act(gateway, async (work) => {
    const stream = await work.load(keyRing, KEY_RING_ID, {})
    const previous = stream.state.root ?? stored.root
    stream.decide((state) => rotateRoot(state, { root: id, previous }))
    return { root: id, previous, rotated }
  })
}
