import type { FormToken } from '../access/form-token.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import { EFFORTS, type Effort } from '../limits.ts'
import { claimOnce } from '../queries/replay-guard.ts'
import { checkWork, newWork } from './proof-of-work.ts'

/** Header in which programs send a solved challenge; forms have the field `altcha`. */
const WORK_HEADER = 'x-altcha'
const WAIT_SECONDS = 60
const FORM_SECONDS = 86_400

/** The effort that the sender of a form has made. */
type SentEffort = { work?: string; token?: FormToken }

async function hasWaited({ reads, now }: Gateway, token: FormToken | undefined): Promise<boolean> {
  if (!token || now().getTime() - token.madeAt.getTime() < WAIT_SECONDS * 1000) return false
  return claimOnce(reads, 'waited', [token.id], new Date(token.madeAt.getTime() + FORM_SECONDS * 1000))
}

/** Returns the caller's effort for this step, which counts once: a proof of work for it, or a minute of waiting with the form. */
async function takeEffort(call: Call, step: string): Promise<Effort> {
  const sent: SentEffort = call.notes.effort ?? { work: call.request.header(WORK_HEADER) }
  if (sent.work && (await checkWork(call.gateway, sent.work, step))) return 'worked'
  return (await hasWaited(call.gateway, sent.token)) ? 'waited' : 'none'
}

type Step = {
  /** What the effort is for, such as a code to an address; it is not valid for anything else. */
  step: string
  /** The limits of the step for an effort; a browser known to the person has the same limits for every effort. */
  limits: (effort: Effort) => Promise<RateLimit[]>
}

/**
 * Runs a rate-limited step. If its limits are full for callers without effort, it runs with the effort of this caller; if
 * that is not enough, the error states what is.
 * @throws GatewayError as the step; with a challenge if a proof of work raises the limits
 */
export async function withEffort<Value>(
  call: Call,
  { step, limits }: Step,
  act: (effort: Effort) => Promise<Value>,
): Promise<Value> {
  const attempt = (effort: Effort) =>
    act(effort).catch((error: unknown) => {
      if (error instanceof GatewayError && error.status === 429) return error
      throw error
    })
  let result = await attempt('none')
  if (!(result instanceof GatewayError)) return result
  const waits = await Promise.all(EFFORTS.map(async (effort) => call.gateway.limiter.wait(await limits(effort))))
  // Refused by another limit, which no effort raises.
  if (waits[0] === 0 || waits[2] !== 0) throw result
  const effort = await takeEffort(call, step)
  if (effort !== 'none') result = await attempt(effort)
  if (!(result instanceof GatewayError)) return result
  const work = await newWork(call.gateway, step)
  const retryAfter = waits[1] === 0 ? WAIT_SECONDS : result.options.retryAfter
  throw new GatewayError(result.refusal, { ...result.options, retryAfter, work, body: { proof_of_work: work } })
}
