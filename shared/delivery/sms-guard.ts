import { addressKey, networkKey, rangeKey } from '../addresses.ts'
import type { SmsSourceKind } from '../domain/otp-challenge.ts'
import { liftBreaker, smsBreaker, stopForToday, watchPumping } from '../domain/sms-breaker.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import type { Effort, RuleName } from '../limits.ts'
import type { CodeAddress } from '../people/code-address.ts'
import { findSmsGuard, type SmsGuard } from '../queries/sms-guard.ts'

const DAY = 86_400
/** Trailing digits that numbers of one block differ in. */
const BLOCK_DIGITS = 3
const LONGEST_WAIT = 3600
/** Codes in flight allowed to a country after a trip of its breaker, until one of them is entered. */
const PROBES = 5
export const PROBE_WAIT = 60
const FIRST_WAIT = 900

/** Share of the daily cap that each trust level may use; the rest is reserved for higher levels. */
const SHARES = { newcomer: 0.7, proven: 0.85, known: 1 }
export type SmsTrust = keyof typeof SHARES

/** The caller who requests a text message, as the limits see them. */
type SmsCaller = { ip: string | undefined; trust: SmsTrust; effort?: Effort }

/** A known browser is `known`, a number that a person signed in with before is `proven`. */
export function smsTrust({ knownBy, person }: { knownBy?: string; person?: object }): SmsTrust {
  if (knownBy) return 'known'
  return person ? 'proven' : 'newcomer'
}

const dayShare = ({ limiter, config }: Gateway, trust: SmsTrust) =>
  limiter.share('sms-day', 'all', Math.max(1, Math.floor(config.SMS_DAILY_CAP * SHARES[trust])), DAY)

/** The limits of an unknown caller's address and network. */
export const smsNetworkLimits = ({ limiter }: Gateway, { ip, effort }: Omit<SmsCaller, 'trust'>): RateLimit[] => [
  ...limiter.of('sms-ip', addressKey(ip), effort),
  ...limiter.of('sms-net', networkKey(ip), effort),
]

export const smsCountryLimits = (
  { limiter }: Gateway,
  { country = '' }: CodeAddress,
  { effort }: Pick<SmsCaller, 'effort'>,
): RateLimit[] => limiter.of('sms-country', country, effort)

/**
 * The limits of unknown callers, other than those per number: the same for proven numbers and others, so that a refusal does not
 * reveal which numbers are proven.
 */
export const smsCallerLimits = (gateway: Gateway, to: CodeAddress, caller: SmsCaller): RateLimit[] =>
  caller.trust === 'known' ? [] : [...smsNetworkLimits(gateway, caller), ...smsCountryLimits(gateway, to, caller)]

/** The limits of a text message per caller, network, country and day (docs/security-rules.md S4). */
export const smsLimits = (gateway: Gateway, to: CodeAddress, caller: SmsCaller): RateLimit[] => [
  ...smsCallerLimits(gateway, to, caller),
  dayShare(gateway, caller.trust),
]

type Sources = { kind: SmsSourceKind; value: string }[]

const SOURCE_RULES: Record<SmsSourceKind, RuleName> = {
  sms_caller: 'sms-unentered-ip',
  sms_network: 'sms-unentered-net',
  sms_range: 'sms-unentered-range',
  sms_block: 'sms-unentered-block',
  sms_known_network: 'sms-unentered-known-net',
  sms_known_block: 'sms-unentered-known-block',
}

/**
 * The sources and destinations by which codes that are never entered are counted. Known browsers are counted separately, so that
 * strangers cannot block them, and so that an owner of many numbers cannot exhaust the daily cap. Blocks of numbers are counted only
 * for newcomers and known browsers, since anyone can request a code to a proven number.
 */
export function smsSources({ address }: CodeAddress, { ip, trust }: SmsCaller): Sources {
  const block = address.slice(0, -BLOCK_DIGITS)
  if (trust === 'known')
    return [
      { kind: 'sms_known_network', value: `sms-known-network ${networkKey(ip)}` },
      { kind: 'sms_known_block', value: `sms-known-block ${block}` },
    ]
  const callers = [
    { kind: 'sms_caller' as const, value: `sms-caller ${addressKey(ip)}` },
    { kind: 'sms_network' as const, value: `sms-network ${networkKey(ip)}` },
    { kind: 'sms_range' as const, value: `sms-range ${rangeKey(ip)}` },
  ]
  return trust === 'proven' ? callers : [...callers, { kind: 'sms_block', value: `sms-block ${block}` }]
}

/** Reads the state that decides whether a text message may be sent. */
async function readGuard({ reads, personal, limiter }: Gateway, to: CodeAddress, limits: RateLimit[], from: Sources) {
  const sources = from.map(({ kind, value }) => {
    const [limit] = limiter.of(SOURCE_RULES[kind], value)
    return {
      kind,
      digest: personal.digest(value).toString('hex'),
      max: limit?.max ?? null,
      seconds: limit?.seconds ?? DAY,
    }
  })
  return findSmsGuard(reads, { country: to.country ?? '', limits, sources })
}

/** The minimum number of codes to a country for its breaker to trip. */
const leastOf = ({ config }: Gateway, { earlier }: Pick<SmsGuard, 'earlier'>) =>
  earlier > 0 ? PROBES : config.SMS_BREAKER_SENDS

const isProbing = ({ earlier, underWay, entered }: SmsGuard) => earlier > 0 && underWay >= PROBES && entered === 0

/**
 * Seconds for which newcomers get no text messages to a number's country or block; 0 if they do. The same for every number there,
 * so that it does not reveal whether a number is proven.
 */
export async function pauseOfNewcomers(gateway: Gateway, to: CodeAddress): Promise<number> {
  const blocks = smsSources(to, { ip: undefined, trust: 'newcomer' }).filter(({ kind }) => kind === 'sms_block')
  const found = await readGuard(gateway, to, [dayShare(gateway, 'newcomer')], blocks)
  const now = gateway.now()
  const { sent, entered, earlier } = found
  const trips = watchPumping({ country: '', sent, entered, least: leastOf(gateway, found), earlier, now }).refuse
  return Math.max(
    Math.min(found.wait, LONGEST_WAIT),
    Math.min(found.sourceWait, LONGEST_WAIT),
    found.stoppedUntil ? Math.min(Math.ceil((found.stoppedUntil - now.getTime()) / 1000), LONGEST_WAIT) : 0,
    trips ? FIRST_WAIT : 0,
    isProbing(found) ? PROBE_WAIT : 0,
  )
}

/**
 * Allows a text message, or trips a breaker that stops it and later ones. Callers, networks, ranges and number blocks whose codes are
 * never entered are stopped first, then the country for a limited time; neither affects proven numbers and known browsers.
 * @throws GatewayError sms_unavailable; otp_rate_limited for limits that also apply to proven numbers
 */
export async function passSmsGuard(gateway: Gateway, work: Work, to: CodeAddress, caller: SmsCaller): Promise<void> {
  const { country = '' } = to
  const { trust } = caller
  const day = dayShare(gateway, trust)
  const sources = smsSources(to, caller)
  const found = await readGuard(gateway, to, [day], sources)
  const now = gateway.now()
  if (found.wait > 0) {
    const retryAfter = Math.min(found.wait, LONGEST_WAIT)
    if (found.dayStops.some(({ sent }) => sent === day.max))
      throw new GatewayError('sms_unavailable', { reason: 'daily cap', retryAfter })
    work.retryAfter = retryAfter
    work.start(smsBreaker, newId(), {}).decide(() => stopForToday({ cap: day.max, waitSeconds: found.wait, now }))
  }
  if (found.sourceWait > 0) {
    const own = sources.filter(({ kind }) => kind !== 'sms_block')
    const { sourceWait } = own.length === sources.length ? found : await readGuard(gateway, to, [], own)
    if (sourceWait > 0) throw new GatewayError('otp_rate_limited', { reason: 'unentered', retryAfter: sourceWait })
    throw new GatewayError('sms_unavailable', { reason: 'unentered in block', retryAfter: found.sourceWait })
  }
  if (trust !== 'newcomer') return
  // Newcomers get messages again: the cap was raised, or the day is over.
  for (const { id } of found.dayStops)
    (await work.load(smsBreaker, id, {})).decide((state) => liftBreaker(state, 'messages are available again'))
  if (found.stoppedUntil) {
    const seconds = Math.ceil((found.stoppedUntil - now.getTime()) / 1000)
    throw new GatewayError('sms_unavailable', { reason: 'breaker', retryAfter: Math.min(seconds, LONGEST_WAIT) })
  }
  const { sent, entered, earlier } = found
  const least = leastOf(gateway, found)
  work.retryAfter = FIRST_WAIT
  work.start(smsBreaker, newId(), {}).decide(() => watchPumping({ country, sent, entered, least, earlier, now }))
  if (isProbing(found)) throw new GatewayError('sms_unavailable', { reason: 'probing', retryAfter: PROBE_WAIT })
}
