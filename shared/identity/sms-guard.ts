import { uuidv7 } from 'uuidv7'
import { smsBreaker, stopForToday, watchPumping } from '../domain/sms-breaker.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import { addressKey, networkKey } from '../http/rate-limit.ts'
import { findSmsGuard } from '../queries/sms-guard.ts'
import type { CodeAddress } from './code-address.ts'

const DAY = 86_400
/** How many numbers in a row are looked at together. */
const BLOCK_DIGITS = 3
const LONGEST_WAIT = 3600

const dailyCap = ({ limiter, config }: Gateway) => limiter.share('sms-day', 'all', config.SMS_DAILY_CAP, DAY)

/** What a text message costs counts per block of numbers, caller, network, country and day (standards S4). */
export function smsLimits(
  gateway: Gateway,
  { address, country = '' }: CodeAddress,
  ip: string | undefined,
): RateLimit[] {
  const { limiter, config } = gateway
  return [
    ...limiter.of('sms-block', address.slice(0, -BLOCK_DIGITS)),
    ...limiter.of('sms-ip', addressKey(ip)),
    ...limiter.of('sms-net', networkKey(ip)),
    limiter.share('sms-country', country, Math.max(10, Math.ceil(config.SMS_DAILY_CAP / 10)), 600),
    dailyCap(gateway),
  ]
}

/**
 * Lets a text message pass, or records the trip that stops it and those that follow.
 * @throws GatewayError sms_unavailable
 */
export async function passSmsGuard(gateway: Gateway, work: Work, { country = '' }: CodeAddress): Promise<void> {
  const { config, reads } = gateway
  const { stoppedUntil, sent, entered, wait } = await findSmsGuard(reads, { country, limits: [dailyCap(gateway)] })
  if (stoppedUntil) {
    const seconds = Math.ceil((stoppedUntil - Date.now()) / 1000)
    throw new GatewayError('sms_unavailable', { reason: 'breaker', retryAfter: Math.min(seconds, LONGEST_WAIT) })
  }
  const breaker = work.start(smsBreaker, uuidv7(), {})
  if (wait > 0) breaker.decide(() => stopForToday({ cap: config.SMS_DAILY_CAP, waitSeconds: wait, now: new Date() }))
  breaker.decide(() => watchPumping({ country, sent, entered, least: config.SMS_BREAKER_SENDS }))
}
