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

/** What the sender of a form has put in so far. */
type SentEffort = { work?: string; token?: FormToken }

async function hasWaited({ reads, now }: Gateway, token: FormToken | undefined): Promise<boolean> {
  if (!token || now().getTime() - token.madeAt.getTime() < WAIT_SECONDS * 1000) return false
  return claimOnce(reads, 'waited', [token.id], new Date(token.madeAt.getTime() + FORM_SECONDS * 1000))
}

/** What the caller has put in for this step, and may put in once: a proof of work made for it, or a minute with the form. */
async function takeEffort(call: Call, step: string): Promise<Effort> {
  const sent: SentEffort = call.notes.effort ?? { work: call.request.header(WORK_HEADER) }
  if (sent.work && (await checkWork(call.gateway, sent.work, step))) return 'worked'
  return (await hasWaited(call.gateway, sent.token)) ? 'waited' : 'none'
}

type Step = {
  /** What the effort is for, such as a code to an address; good for nothing else. */
  step: string
  /** The limits of the step for an effort; a browser known to the person has the same for every one. */
  limits: (effort: Effort) => Promise<RateLimit[]>
}

/**
 * Takes a step that limits may refuse. Where they are full for callers who put in nothing, it is taken with what this caller has put in; where
 * that is too little, the refusal says what would do.
 * @throws GatewayError as the step; a refusal for its limits has a challenge where a proof of work opens them
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
  // Another limit refused it, for which no effort makes up.
  if (waits[0] === 0 || waits[2] !== 0) throw result
  const effort = await takeEffort(call, step)
  if (effort !== 'none') result = await attempt(effort)
  if (!(result instanceof GatewayError)) return result
  const work = await newWork(call.gateway, step)
  const retryAfter = waits[1] === 0 ? WAIT_SECONDS : result.options.retryAfter
  throw new GatewayError(result.refusal, { ...result.options, retryAfter, work, body: { proof_of_work: work } })
}
