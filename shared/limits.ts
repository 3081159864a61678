/** At most `max` hits in `seconds`. */
type Window = { max: number; seconds: number }

/** The effort of a caller, which raises some limits: none, a minute of waiting (pages without JavaScript), a proof of work. */
export const EFFORTS = ['none', 'waited', 'worked'] as const
export type Effort = (typeof EFFORTS)[number]

type Rule = {
  /** What is counted, and per what. */
  counts: string
  /** Windows per effort, or for all efforts. `-` is no limit. */
  fallback: string
  /**
   * Sliding window: never more than `max` in any window of that length. Others count in windows that begin with the first hit.
   * Only for small limits, since each hit is stored.
   */
  exact?: true
}

/** Every limit of the gateway by its name, which is also the name of its counters. `docs/limits.md` is the model behind them. */
export const rules = {
  'otp-send': {
    counts: 'codes, links and password mails to one mailbox, requested by unknown callers',
    fallback: '5/1h 10/1d | 6/1h 12/1d | 8/1h 20/1d',
    exact: true,
  },
  'otp-send-known': {
    counts: 'the same, requested in browsers known to the person',
    fallback: '4/1h 12/1d',
    exact: true,
  },
  'otp-send-pause': { counts: 'messages to one address, requested by unknown callers', fallback: '1/30s | 1/30s | -' },
  'otp-send-repeat': { counts: 'messages to one address, requested by one caller', fallback: '1/30s' },
  'otp-send-ip': { counts: 'messages requested by one unknown caller', fallback: '30/1h | 40/1h | 120/1h' },
  'otp-send-net': { counts: 'the same for one network', fallback: '200/1h | 250/1h | 1000/1h' },
  'otp-send-range': { counts: 'the same for one range', fallback: '2000/1h | 2000/1h | 10000/1h' },

  'sms-send': {
    counts: 'codes to one number, requested by unknown callers',
    fallback: '3/1h 4/1d | 3/1h 5/1d | 4/1h 7/1d',
    exact: true,
  },
  'sms-send-known': {
    counts: 'the same, requested in browsers known to the person',
    fallback: '3/1h 6/1d',
    exact: true,
  },
  'sms-ip': {
    counts: 'text messages requested by one caller in unknown browsers',
    fallback: '10/1h 20/1d | 10/1h 20/1d | 20/1h 40/1d',
  },
  'sms-net': { counts: 'the same for one network', fallback: '50/1h | 50/1h | 100/1h' },
  'sms-country': {
    counts: 'text messages to one country, requested by unknown callers',
    fallback: '100/10m | 110/10m | 200/10m',
  },
  'sms-unentered-ip': {
    counts: 'codes by text message, requested by one caller in unknown browsers and never entered',
    fallback: '6/1d',
  },
  'sms-unentered-net': { counts: 'the same for one network', fallback: '12/1d' },
  'sms-unentered-range': { counts: 'the same for one range', fallback: '60/1d' },
  'sms-unentered-block': { counts: 'the same for one block of a thousand numbers', fallback: '12/1d' },
  'sso-begin': { counts: 'sign-ins at other providers started by one caller', fallback: '60/10m' },
  'sso-begin-net': { counts: 'the same for one network', fallback: '600/10m' },

  'sms-unentered-known-net': {
    counts: 'codes by text message, requested in known browsers of one network and never entered',
    fallback: '40/1d',
  },
  'sms-unentered-known-block': { counts: 'the same for one block of a thousand numbers', fallback: '20/1d' },

  'otp-try-ip': {
    counts: 'wrong codes of one caller; when full, attempts without an open challenge of the caller are refused',
    fallback: '60/1h',
  },
  'otp-try-net': { counts: 'the same for one network', fallback: '300/1h' },
  'otp-elsewhere': {
    counts: 'wrong codes for one mailbox from networks that requested none',
    fallback: '5/1h 10/1d',
    exact: true,
  },
  'otp-failures': { counts: 'the same until a correct one', fallback: '100/30d' },

  'proof-sign-in': {
    counts: 'wrong codes of an authenticator app for one address, by unknown callers',
    fallback: '5/5m 10/1d | 5/5m 11/1d | 6/5m 12/1d',
    exact: true,
  },
  'proof-sign-in-known': { counts: 'the same by one browser known to the person', fallback: '5/5m 30/1d' },
  'proof-sign-in-ip': { counts: 'wrong codes of one unknown caller without mail', fallback: '60/1h | 80/1h | 240/1h' },
  'proof-sign-in-net': { counts: 'the same for one network', fallback: '200/1h | 250/1h | 1000/1h' },
  'proof-try': { counts: 'wrong codes of an authenticator app in sessions of one person', fallback: '5/5m 30/1d' },
  'second-factor-try': {
    counts: 'wrong codes of an authenticator app after the first factor of a sign-in, for one person',
    fallback: '5/5m 30/1d',
  },
  'recovery-try': { counts: 'wrong recovery codes in one session', fallback: '10/5m' },

  password: {
    counts: 'passwords tried for one address by unknown callers',
    fallback: '20/1h 40/1d | 25/1h 50/1d | 40/1h 80/1d',
    exact: true,
  },
  'password-failures': {
    counts: 'wrong passwords for one address by unknown callers until a correct one',
    fallback: '100/30d',
  },
  'password-known': { counts: 'passwords tried by one browser known to the person', fallback: '10/1h 30/1d' },
  'password-ip': { counts: 'passwords tried by one unknown caller', fallback: '100/1h | 120/1h | 400/1h' },
  'password-net': { counts: 'the same for one network', fallback: '300/1h | 350/1h | 1200/1h' },

  register: { counts: 'clients registered by one caller', fallback: '30/1h' },
  'register-net': { counts: 'the same for one network', fallback: '200/1h' },
  'register-app': { counts: 'applications registered by one operator', fallback: '60/1h' },
  'manage-client': { counts: 'changes of one client’s registration', fallback: '60/1h' },
  'sector-identifier': { counts: 'sector identifier documents fetched for one caller', fallback: '30/1h' },
  'client-document': { counts: 'client documents fetched for one caller', fallback: '30/5m' },
  'client-document-host': { counts: 'client documents fetched from one host', fallback: '60/5m' },
  'client-secret': { counts: 'wrong secrets of one client from one caller', fallback: '20/15m' },

  device: { counts: 'device sign-ins started by one caller', fallback: '120/1h' },
  'device-net': { counts: 'the same for one network', fallback: '1200/1h' },
  'user-code': { counts: 'wrong device codes of one caller who is not signed in', fallback: '10/15m' },
  'user-code-net': { counts: 'the same for one network', fallback: '60/15m' },
  'user-code-session': { counts: 'wrong device codes in one session', fallback: '10/15m' },
  'user-code-session-net': { counts: 'the same for the sessions of one network', fallback: '120/15m' },
  'paste-try': { counts: 'manual codes redeemed by one caller', fallback: '20/10m' },
  'paste-token': { counts: 'tokens to paste, created by one person', fallback: '10/1h' },

  authorize: { counts: 'authorizations of one person', fallback: '60/1m' },
  'open-application': { counts: 'applications opened by one person', fallback: '60/1m' },
  'pushed-request': { counts: 'requests of one client pushed by one caller', fallback: '120/1m' },
  'pushed-request-net': { counts: 'requests pushed from one network', fallback: '1200/1m' },
  refresh: { counts: 'refreshes of one token family', fallback: '120/1m' },
  'introspect-unknown': { counts: 'introspections of one caller without client authentication', fallback: '300/1m' },
  'supabase-exchange': { counts: 'Supabase tokens exchanged by one caller', fallback: '3000/1h' },

  merge: { counts: 'merges started by one person', fallback: '10/1h' },
  'create-key': { counts: 'API keys created by one person', fallback: '500/1h' },
  agents: { counts: 'agents allowed by one person', fallback: '30/1h' },
  service: { counts: 'calls of one person to one service', fallback: '600/1m' },
  'operator-code': { counts: 'sign-in codes created by one operator', fallback: '20/1h' },
  'operator-code-for': { counts: 'sign-in codes created for one person', fallback: '5/1h' },
  'state-at': { counts: 'past states requested by one operator', fallback: '30/1m' },
  'blast-radius': { counts: 'traces requested by one operator', fallback: '30/1m' },
  'audit-export': { counts: 'parts of the log exported by one person', fallback: '120/1h' },
  'sync-secret': { counts: 'wrong webhook secrets of one caller', fallback: '60/1h' },
  refused: { counts: 'refused requests of one network that are recorded', fallback: '60/1h' },
  'refused-caller': { counts: 'refused requests of one person or client that are recorded', fallback: '200/1h' },
  'refused-all': {
    counts: 'refused requests of all callers that are recorded; others are only counted',
    fallback: '6000/1h',
  },
  'record-read': {
    counts: 'identical reads of one operator that are recorded; repeated ones are not',
    fallback: '1/1m',
  },
  'refused-counted': {
    counts: 'counts of refused requests, one per caller and minute; others are counted together',
    fallback: '1000/1h',
  },
} satisfies Record<string, Rule>

export type RuleName = keyof typeof rules

/** The windows of a rule per effort, or once if they are the same for all efforts. */
type Tiers = readonly (readonly Window[])[]
export type Limits = Readonly<Record<RuleName, Tiers>>

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
const LONGEST = 90 * 86_400
/** Maximum of an exact limit, whose hits are stored individually. */
const MOST_EXACT = 100

function readWindow(text: string): Window | undefined {
  const [, max, count, unit = ''] = /^([1-9]\d{0,6})\/([1-9]\d{0,4})([smhd])$/.exec(text) ?? []
  const seconds = Number(count) * (UNITS[unit] ?? Number.NaN)
  return max && seconds <= LONGEST ? { max: Number(max), seconds } : undefined
}

/** Parses windows such as `5/1h 10/1d | 8/1h 20/1d | …`; undefined if malformed. */
function readTiers(text: string): Tiers | undefined {
  const tiers = text.split('|').map((tier) => {
    const windows = tier.trim() === '-' ? [] : tier.trim().split(/[\s+]+/)
    return windows.map(readWindow)
  })
  return tiers.flat().includes(undefined) ? undefined : (tiers as Window[][])
}

const secondsOf = (tier: readonly Window[]) => tier.map(({ seconds }) => seconds).join()

/** Validates new windows of a rule; returns the problem, if any. */
function tiersError(name: RuleName, tiers: Tiers): string | undefined {
  const rule: Rule = rules[name]
  const before = readTiers(rule.fallback) ?? []
  if (tiers.length > 1 && tiers.length !== before.length)
    return before.length === 1 ? 'is the same for every effort' : `has ${before.length} efforts`
  const lengths = new Set(tiers.filter((tier) => tier.length > 0).map(secondsOf))
  if (lengths.size > 1) return 'must count the same windows for every effort'
  const falls = tiers.some((tier, index) => tier.some((window, at) => window.max < (tiers[index - 1]?.[at]?.max ?? 0)))
  if (falls) return 'must not give less for more effort'
  if (rule.exact && tiers.flat().some(({ max }) => max > MOST_EXACT)) return `must be ${MOST_EXACT} or less`
  return undefined
}

/**
 * Parses changed limits: `name=windows` pairs, separated by commas.
 * @returns the changed limits, or a sentence about the first invalid one
 */
export function readLimits(text: string): Partial<Limits> | string {
  const changed: Partial<Record<RuleName, Tiers>> = {}
  const pairs = text.split(',').filter((one) => one.trim())
  for (const [index, pair] of pairs.entries()) {
    const [name = '', windows = ''] = pair.split('=', 2).map((one) => one.trim())
    if (!Object.hasOwn(rules, name)) return `pair ${index + 1} names no limit of docs/limits.md`
    const tiers = readTiers(windows)
    if (!tiers) return `${name} must be written like 5/1h 10/1d`
    const error = tiersError(name as RuleName, tiers)
    if (error) return `${name} ${error}`
    changed[name as RuleName] = tiers
  }
  return changed
}

/** All limits, with the changed ones instead of their defaults. */
export function allLimits(changed: Partial<Limits>): Limits {
  const entries = Object.entries(rules).map(([name, { fallback }]) => [name, readTiers(fallback)])
  return { ...Object.fromEntries(entries), ...changed }
}

/** The windows of a rule for an effort. */
export function windowsOf(limits: Limits, name: RuleName, effort: Effort): readonly Window[] {
  const tiers = limits[name]
  return tiers[Math.min(EFFORTS.indexOf(effort), tiers.length - 1)] ?? []
}
