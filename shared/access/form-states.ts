import { createHash, createHmac } from 'node:crypto'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import { claimFormState, findFormState, forgetFormState, keepFormState } from '../queries/form-states.ts'
import { openBytes, sealBytes } from '../tokens/sealed.ts'

/** How long a submission may take before an equal one may run instead. */
export const ACTING_SECONDS = 30

/** Names a submission: the same for equal ones, and for no others. */
export const submissionName = (kind: 'answer' | 'done', path: string, body: string) =>
  `${kind} ${createHash('sha256').update(`${path} ${body}`).digest('base64url')}`

/** Waits for form state to be saved after an action. A failure is only logged, since the action itself succeeded. */
export const afterwards = (noting: Promise<void>): Promise<void> =>
  noting.catch((error: unknown) => log.warn('form state could not be saved', { error }))

export type FormStates = ReturnType<typeof formStatesOf>

/**
 * Form states of one browser, by name: stored for a limited time, sealed under a key derived from the master secret and the
 * browser's key, so that neither the database nor another browser can read them.
 * @param browser the key of the browser
 */
export function formStatesOf({ ring, reads, now }: Gateway, browser: string) {
  const sealingKey = createHmac('sha256', ring.key('form-state')).update(browser).digest()
  const keyOf = (name: string) =>
    createHmac('sha256', ring.key('form-state-name')).update(`${browser} ${name}`).digest()
  const until = (seconds: number) => new Date(now().getTime() + seconds * 1000)
  const open = <Value>(name: string, sealed: Uint8Array): Value =>
    JSON.parse(openBytes(sealingKey, sealed, name).toString())

  return {
    async find<Value>(name: string): Promise<Value | undefined> {
      const sealed = await findFormState(reads, keyOf(name), now())
      return sealed && open(name, sealed)
    },

    async keep(name: string, value: unknown, seconds: number): Promise<void> {
      const sealed = sealBytes(sealingKey, Buffer.from(JSON.stringify(value)), name)
      await keepFormState(reads, keyOf(name), { sealed, until: until(seconds) })
    },

    /** Claims a name; later callers get the value that the first one stored, if any yet. */
    async claim<Value>(name: string, seconds: number): Promise<{ first: boolean; value?: Value }> {
      const { first, sealed } = await claimFormState(reads, keyOf(name), { now: now(), until: until(seconds) })
      return { first, value: sealed ? open(name, sealed) : undefined }
    },

    forget: (name: string): Promise<void> => forgetFormState(reads, keyOf(name)),
  }
}
