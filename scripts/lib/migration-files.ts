import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

export interface Migration {
  /** The leading digits, for example `009`. */
  version: string
  /** The part after the digits, for example `event_store`. */
  name: string
  file: string
  sql: string
  /** SHA-256 of the text with LF line ends, hex. */
  checksum: string
}

/**
 * Reads `NNN_name.sql` files in order.
 * @throws when a file name is malformed or two files have the same number
 */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(files.map((file) => readMigration(directory, file)))
  for (const [index, { version, file }] of migrations.entries()) {
    const earlier = migrations[index - 1]
    if (earlier?.version === version) throw new Error(`${earlier.file} and ${file} have the same number`)
  }
  return migrations
}

async function readMigration(directory: string, file: string): Promise<Migration> {
  const [, version, name] = /^(\d{3})_([a-z0-9_]+)\.sql$/.exec(file) ?? []
  if (!version || !name) throw new Error(`${file}: the name of a migration must be NNN_name.sql`)
  const sql = (await readFile(path.join(directory, file), 'utf8')).replaceAll('\r\n', '\n')
  return { version, name, file, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}

/** Returns the line of `sql` at the `position` of a Postgres error (characters, from 1). */
export function lineOf(sql: string, position: number): number {
  return [...sql].slice(0, position - 1).filter((character) => character === '\n').length + 1
}
