import { readFileSync } from 'node:fs'
import type postgres from 'postgres'
import { checkpointSigner } from '../../shared/audit/checkpoints.ts'
import { type Config, loadConfig, masterSecrets } from '../../shared/config.ts'
import { findMasterSecret } from '../../shared/start.ts'
import { type DeriveKey, keyDerivation } from '../../shared/tokens/derived-key.ts'
import {
  type Checkpoint,
  createNoteOpener,
  createTextOpener,
  type NoteSigner,
  readNote,
} from '../../shared/tokens/note.ts'
import { operatorEnvironment } from './operator-environment.ts'
import { RefusedError } from './terminal.ts'

/** Reads what a note says; undefined when it is not signed by the key of the log. */
export type OpenNote = (note: string) => Checkpoint | undefined

/** Reads the text of any note; undefined when it is not signed by the key of the log. */
export type OpenText = (note: string) => string | undefined

/** The secrets of a database that are configured here. */
type FoundSecrets = {
  /** Signs as the log does, under an origin. */
  signerFor?: (origin: string) => NoteSigner
  /** Derivations from its master secret first, then from the other configured ones. */
  derivations: DeriveKey[]
}

function readConfig(env: NodeJS.ProcessEnv): Config | undefined {
  try {
    return loadConfig(operatorEnvironment(env))
  } catch {
    return undefined
  }
}

/** Returns the index of the configured master secret that the database uses; 0 for a database that no process has opened. */
async function masterSecretOf(sql: postgres.Sql, config: Config): Promise<number> {
  const [row] = await sql<{ sealed: Uint8Array }[]>`select sealed from auth_gateway.key_check`
  return row ? findMasterSecret(config, row.sealed) : 0
}

/** Finds the configured secrets of a database; secrets of another database do not count. */
export async function findSecrets(env: NodeJS.ProcessEnv, sql: postgres.Sql): Promise<FoundSecrets> {
  const config = readConfig(env)
  if (!config) return { derivations: [] }
  const all = masterSecrets(config).map(keyDerivation)
  const derive = all[await masterSecretOf(sql, config)]
  const signing = derive ?? (config.AUDIT_SIGNING_KEY ? all[0] : undefined)
  return {
    derivations: derive ? [derive, ...all.filter((one) => one !== derive)] : [],
    ...(signing && { signerFor: (origin: string) => checkpointSigner({ config, derive: signing }, origin) }),
  }
}

/**
 * Returns functions that open notes by verifier keys; a log that changed its origin has several.
 * @throws RefusedError when one is not a verifier key
 */
export function openersOf(verifierKeys: string[]): { openNote: OpenNote; openText: OpenText } {
  const first =
    <T>(openers: ((note: string) => T | undefined)[]) =>
    (note: string) =>
      openers.map((open) => open(note)).find((one) => one !== undefined)
  try {
    return { openNote: first(verifierKeys.map(createNoteOpener)), openText: first(verifierKeys.map(createTextOpener)) }
  } catch (error) {
    throw new RefusedError((error as Error).message)
  }
}

/**
 * Reads checkpoints that were kept outside: a note, or the lines of `CHECKPOINT_FILE`.
 * @throws RefusedError when the file has none, or one is not signed by the key
 */
export function readKept(file: string, open: OpenNote | undefined): Checkpoint[] {
  const text = readFileSync(file, 'utf8')
  const notes = text.startsWith('{')
    ? text
        .split('\n')
        .filter(Boolean)
        .map((line) => String(JSON.parse(line).note))
    : [text]
  const checkpoints = notes.map(open ?? readNote)
  if (checkpoints.length === 0 || !checkpoints.every((one) => one !== undefined))
    throw new RefusedError(`${file} does not contain checkpoints of this log`)
  return checkpoints
}
