import type { Aggregate, Decision } from '../events/types.ts'

/** Codes sent to a country of which fewer than this share were entered look like somebody earning on the messages. */
const LEAST_SHARE = 0.2
/** What stands for every country. */
export const EVERYWHERE = '*'

/** A country that was stopped is tried again after this long, and after twice as long for each stop before it in a day. */
const FIRST_STOP_MINUTES = 15
const LONGEST_STOP_MINUTES = 360

const wholeMinute = (at: number) => new Date(Math.ceil(at / 60_000) * 60_000).toISOString()

/** A trip stops text messages to newcomers of a country for a while, or to everyone until the day is over; an operator may lift it. */
export type SmsBreakerEvent =
  | {
      type: 'SmsBreakerTripped'
      data: { country: string; cause: 'pumping' | 'daily_cap'; sent: number; entered?: number; until?: string }
    }
  | { type: 'SmsBreakerLifted'; data: { reason: string } }

export type SmsBreaker = { status: 'none' | 'tripped' | 'lifted' }

export const smsBreaker: Aggregate<SmsBreaker, SmsBreakerEvent> = {
  type: 'sms_breaker',
  initial: { status: 'none' },
  evolve: (_, event) => ({ status: event.type === 'SmsBreakerTripped' ? 'tripped' : 'lifted' }),
}

/**
 * Trips when many codes went to a country and few were entered.
 * @param input.sent codes of the last hour that had time to be entered
 * @param input.least how many make a pattern
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
  return { events: [{ type: 'SmsBreakerTripped', data }], refuse: 'sms_unavailable' }
}

/** Trips for the rest of the day when as many messages went out as the day may have. */
export function stopForToday(input: { cap: number; waitSeconds: number; now: Date }): Decision<SmsBreakerEvent> {
  const until = wholeMinute(input.now.getTime() + input.waitSeconds * 1000)
  const data = { country: EVERYWHERE, cause: 'daily_cap' as const, sent: input.cap, until }
  return { events: [{ type: 'SmsBreakerTripped', data }], refuse: 'sms_unavailable' }
}

export function liftBreaker(state: SmsBreaker, reason: string): Decision<SmsBreakerEvent> {
  if (state.status === 'none') return { events: [], refuse: 'not_found' }
  return { events: state.status === 'tripped' ? [{ type: 'SmsBreakerLifted', data: { reason } }] : [] }
}
