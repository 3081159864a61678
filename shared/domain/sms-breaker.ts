import type { Aggregate, Decision } from '../events/types.ts'
import { refuse } from './decision.ts'

/** If fewer than this share of the codes to a country are entered, this indicates SMS pumping. */
const LEAST_SHARE = 0.2
/** Stands for all countries. */
export const EVERYWHERE = '*'

/** Duration of a country's first stop; it doubles for each earlier stop within a day. */
const FIRST_STOP_MINUTES = 15
const LONGEST_STOP_MINUTES = 360

const wholeMinute = (at: number) => new Date(Math.ceil(at / 60_000) * 60_000).toISOString()

/** A trip stops text messages to a country's newcomers for a limited time, or to everyone for the day; operators may lift it. */
export type SmsBreakerEvent =
  | {
      type: 'SmsBreakerTripped'
      data: { country: string; cause: 'pumping' | 'daily_cap'; sent: number; entered?: number; until?: string }
    }
  | { type: 'SmsBreakerLifted'; data: { reason: string } }

type SmsBreaker = { status: 'none' | 'tripped' | 'lifted' }

export const smsBreaker: Aggregate<SmsBreaker, SmsBreakerEvent> = {
  type: 'sms_breaker',
  initial: { status: 'none' },
  evolve: (_, event) => ({ status: event.type === 'SmsBreakerTripped' ? 'tripped' : 'lifted' }),
}

/**
 * Trips when many codes were sent to a country and few were entered.
 * @param input.sent codes of the last hour that had time to be entered
 * @param input.least minimum number of codes to trip
 * @param input.earlier stops of that country in the last day
 */
export function watchPumping(input: {
  country: string
  sent: number
  entered: number
  least: number
  earlier: number
  now: Date
}): Decision<SmsBreakerEvent> {
  const { country, sent, entered, least, earlier, now } = input
  if (sent < least || entered >= sent * LEAST_SHARE) return { events: [] }
  const minutes = Math.min(FIRST_STOP_MINUTES * 2 ** Math.min(earlier, 10), LONGEST_STOP_MINUTES)
  const until = wholeMinute(now.getTime() + minutes * 60_000)
  const data = { country, cause: 'pumping' as const, sent, entered, until }
  return refuse('sms_unavailable', { type: 'SmsBreakerTripped', data })
}

/** Trips for the rest of the day when the daily cap is reached. */
export function stopForToday(input: { cap: number; waitSeconds: number; now: Date }): Decision<SmsBreakerEvent> {
  const until = wholeMinute(input.now.getTime() + input.waitSeconds * 1000)
  const data = { country: EVERYWHERE, cause: 'daily_cap' as const, sent: input.cap, until }
  return refuse('sms_unavailable', { type: 'SmsBreakerTripped', data })
}

export function liftBreaker(state: SmsBreaker, reason: string): Decision<SmsBreakerEvent> {
  if (state.status === 'none') return refuse('not_found')
  return { events: state.status === 'tripped' ? [{ type: 'SmsBreakerLifted', data: { reason } }] : [] }
}
