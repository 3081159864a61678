import { readFileSync } from 'node:fs'
import type postgres from 'postgres'
import { checkpointSigner } from '../../shared/audit/checkpoints.ts'
import { type Config, loadConfig } from '../../shared/config.ts'
import { changedKeyRing } from '../../shared/queries/opening.ts'
import { openStoredRing } from '../../shared/start.ts'
import { createKeyRing, type KeyRing } from '../../shared/tokens/key-ring.ts'
import {
  type Checkpoint,
  createNoteOpener,
  createTextOpener,
  type NoteSigner,
  readNote,
} from '../../shared/tokens/note.ts'
import { configuredRoots } from '../../shared/tokens/roots.ts'
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
  /** The key ring of the database. */
  ring?: KeyRing
}

function readConfig(env: NodeJS.ProcessEnv): Config | undefined {
  try {
    return loadConfig(operatorEnvironment(env))
  } catch {
    return undefined
  }
}

/** Opens the key ring of a database; undefined if there is none, or no configured root opens it. */
async function ringOf(sql: postgres.Sql, config: Config): Promise<KeyRing | undefined> {
  const stored = await changedKeyRing(sql, 0)
  const opened = stored && (await openStoredRing(stored, configuredRoots(config)).catch(() => undefined))
  return opened && createKeyRing(opened.keys, () => new Date())
}

/** Finds the configured secrets of a database; secrets of another database do not count. */
export async function findSecrets(env: NodeJS.ProcessEnv, sql: postgres.Sql): Promise<FoundSecrets> {
  const config = readConfig(env)
  if (!config) return {}
  const ring = await ringOf(sql, config)
  const signing = ring ?? (config.AUDIT_SIGNING_KEY ? createKeyRing([], () => new Date()) : undefined)
  return {
    ring,
    ...(signing && { signerFor: (origin: string) => checkpointSigner({ config, ring: signing }, origin) }),
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
