import { readFileSync } from 'node:fs'
import { checkpointSigner, issuerSettings } from '../../shared/audit/checkpoints.ts'
import { loadConfig } from '../../shared/config.ts'
import { type Checkpoint, createNoteOpener, type NoteSigner, readNote } from '../../shared/tokens/note.ts'
import { operatorEnvironment } from './operator-environment.ts'
import { RefusedError } from './terminal.ts'

/** The signer of this log's checkpoints; undefined when its secrets are not at hand. */
export function signerAtHand(env: NodeJS.ProcessEnv): NoteSigner | undefined {
  try {
    return checkpointSigner(issuerSettings(loadConfig(operatorEnvironment(env))))
  } catch {
    return undefined
  }
}

/** @throws RefusedError when it is no verifier key */
export function openerOf(verifierKey: string) {
  try {
    return createNoteOpener(verifierKey)
  } catch (error) {
    throw new RefusedError((error as Error).message)
  }
}

/**
 * Checkpoints that were kept outside: a note, or the lines that `CHECKPOINT_FILE` gathers.
 * @throws RefusedError when there is none in it, or one is not signed by the key
 */
export function readKept(file: string, open: ((note: string) => Checkpoint | undefined) | undefined): Checkpoint[] {
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
