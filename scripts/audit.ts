import { parseArgs } from 'node:util'
import type postgres from 'postgres'
import { rootAt } from '../shared/audit/proofs.ts'
import { readPublicTiles, tilePath, tilesBetween } from '../shared/audit/public-tiles.ts'
import { listCheckpoints } from '../shared/queries/audit-tree.ts'
import { readNote } from '../shared/tokens/note.ts'
import { type LogTarget, openLogTarget } from './lib/log-target.ts'
import { operatorConnection } from './lib/operator-environment.ts'
import { program, RefusedError, UsageError } from './lib/terminal.ts'

const USAGE = `npm run audit -- publish --to <folder or URL>   copies the newest checkpoint and the tiles below it to where anyone can read them

It writes only what is new, the checkpoint last; run it after each checkpoint. It refuses when the copy is not the beginning of this log,
and then changes nothing: the copy is the evidence. A URL is a prefix in an S3-compatible bucket, https://<endpoint>/<bucket>/<prefix>, with
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.
It reads DATABASE_MIGRATION_URL, else DATABASE_URL, else the database of npm run dev. Exit code 1: it could not publish.`

/** Tiles that are read and written at once. */
const BATCH = 32

/**
 * Returns the size of the copy, after checking that this log extends it.
 * @throws RefusedError
 */
async function sizeOfCopy(sql: postgres.Sql, copy: string | undefined, size: number): Promise<number> {
  if (copy === undefined) return 0
  const published = readNote(copy)
  if (!published) throw new RefusedError('The published checkpoint cannot be read; nothing was changed')
  if (published.size > size)
    throw new RefusedError(`The published log has ${published.size} events, this one ${size}: it was rolled back`)
  if (!(await rootAt(sql, published.size)).equals(published.root))
    throw new RefusedError(
      `The first ${published.size} events are not those that were published: the log was rewritten`,
    )
  return published.size
}

async function publish(sql: postgres.Sql, target: LogTarget): Promise<{ size: number; tiles: number }> {
  const [newest] = await listCheckpoints(sql, { limit: 1 })
  if (!newest) throw new RefusedError('No checkpoint exists yet')
  const size = Number(newest.size)
  const names = tilesBetween(await sizeOfCopy(sql, await target.read('checkpoint'), size), size)
  for (let from = 0; from < names.length; from += BATCH) {
    const batch = names.slice(from, from + BATCH)
    const tiles = await readPublicTiles(sql, batch)
    if (tiles.length < batch.length) throw new RefusedError('The tree lacks tiles that its checkpoint covers')
    await Promise.all(
      tiles.map(({ bytes, ...name }) =>
        target.write({
          name: tilePath(name),
          bytes,
          type: 'application/octet-stream',
          cache: 'public, max-age=31536000, immutable',
        }),
      ),
    )
  }
  const type = 'text/plain; charset=utf-8'
  await target.write({ name: 'checkpoint', bytes: Buffer.from(newest.note), type, cache: 'public, max-age=5' })
  return { size, tiles: names.length }
}

/** Operator command: copies the public log. */
export const audit = await program(import.meta.url, USAGE, async (args, terminal) => {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { to: { type: 'string' } } })
  const [action = '', ...rest] = positionals
  if (action !== 'publish' || rest.length > 0) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  if (!values.to) throw new UsageError('--to names the folder or bucket')
  const target = openLogTarget(terminal, values.to)
  const sql = operatorConnection(terminal.env, 'audit')
  try {
    const { size, tiles } = await publish(sql, target)
    terminal.out(`published the checkpoint of ${size} events, with ${tiles} new tiles`)
    return 0
  } finally {
    await sql.end()
  }
})
