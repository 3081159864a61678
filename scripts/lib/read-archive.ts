import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { RefusedError } from './terminal.ts'

const VERIFIER = fileURLToPath(new URL('../verify-export.mjs', import.meta.url))

export type ReadArchive = { events: number; streams: number; sha256: string; positionsSha256: string }

/**
 * Reads the file of an archive with the stand-alone verifier: its summary, and what is wrong with it.
 * @param verifierKeys those of the log; without them the key in the file is used
 */
export async function readArchive(
  file: string,
  verifierKeys: string[] = [],
): Promise<ReadArchive & { faults: object[] }> {
  const args = [VERIFIER, file, '--json', ...verifierKeys.flatMap((key) => ['--key', key])]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 }).catch(
    (error) => error,
  )
  if (!stdout) throw new RefusedError(`${file} cannot be verified: ${stderr}`)
  const { archives, streams, faults } = JSON.parse(stdout)
  const { events = 0, sha256 = '', positions_sha256: positionsSha256 = '' } = archives[0] ?? {}
  return { events, streams, sha256, positionsSha256, faults }
}
