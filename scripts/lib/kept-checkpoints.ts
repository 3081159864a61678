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

/** What is at hand of the secrets of a database. */
export type SecretsAtHand = {
  /** Signs as the log does, under an origin. */
  signerFor?: (origin: string) => NoteSigner
  /** Keys from its master secret first, then from the other ones that are configured. */
  derivations: DeriveKey[]
}

function configAtHand(env: NodeJS.ProcessEnv): Config | undefined {
  try {
    return loadConfig(operatorEnvironment(env))
  } catch {
    return undefined
  }
}

/** Which of the configured master secrets is the database's, from 0; a database that no process has opened is of the first. */
async function masterSecretOf(sql: postgres.Sql, config: Config): Promise<number> {
  const [row] = await sql<{ sealed: Uint8Array }[]>`select sealed from auth_gateway.key_check`
  return row ? findMasterSecret(config, row.sealed) : 0
}

/** Finds out which secrets of a database are at hand; those of another one are none. */
export async function secretsAtHand(env: NodeJS.ProcessEnv, sql: postgres.Sql): Promise<SecretsAtHand> {
  const config = configAtHand(env)
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
 * Opens notes by verifier keys; a log that changed its origin has several.
 * @throws RefusedError when one is no verifier key
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
 * Checkpoints that were kept outside: a note, or the lines that `CHECKPOINT_FILE` gathers.
 * @throws RefusedError when there is none in it, or one is not signed by the key
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
    throw new RefusedError(`${file} does not hold checkpoints of this log`)
  return checkpoints
}
