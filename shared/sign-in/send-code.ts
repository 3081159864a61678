import { randomBytes, randomInt } from 'node:crypto'
import { addressKey, networkKey, rangeKey } from '../addresses.ts'
import type { Call } from '../call.ts'
import type { Brand, DeliveryResult } from '../delivery/deliver.ts'
import { deliverQueued, noteSuppressed, type Outgoing, queueMessage } from '../delivery/send-message.ts'
import {
  PROBE_WAIT,
  passSmsGuard,
  pauseOfNewcomers,
  type SmsTrust,
  smsCallerLimits,
  smsCountryLimits,
  smsLimits,
  smsNetworkLimits,
  smsSources,
  smsTrust,
} from '../delivery/sms-guard.ts'
import * as otp from '../domain/otp-challenge.ts'
import { GatewayError } from '../errors.ts'
import { commit } from '../events/commit.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import type { Effort } from '../limits.ts'
import type { CodeAddress } from '../people/code-address.ts'
import type { Client } from '../queries/api-clients.ts'
import { hashToken } from '../tokens/opaque.ts'
import { countingMailbox } from '../typed/email.ts'
import { withEffort } from './effort.ts'
import { knownBrowserOf } from './known-browser.ts'
import { findChallenge, networkLookup, resumeChallenge } from './one-time-code.ts'

/**
 * Limits of messages to one mailbox or number, and by one caller, network and range; no code resets them (docs/security-rules.md S4).
 * A browser known to the person has its own limit, which no stranger can use up.
 * @param caller.knownBy the session that makes the browser known to the person
 */
function sendLimits(
  { limiter }: Gateway,
  { channel, lookup }: Pick<CodeAddress, 'channel' | 'lookup'>,
  { ip, knownBy, effort }: { ip: string | undefined; knownBy?: string; effort?: Effort },
): RateLimit[] {
  const mailbox = countingMailbox(lookup)
  const sms = channel === 'sms'
  const repeat = limiter.of('otp-send-repeat', `${lookup} ${knownBy ?? addressKey(ip)}`)
  if (knownBy) return [...repeat, ...limiter.of(sms ? 'sms-send-known' : 'otp-send-known', mailbox)]
  return [
    ...repeat,
    ...limiter.of('otp-send-pause', lookup, effort),
    ...limiter.of(sms ? 'sms-send' : 'otp-send', mailbox, effort),
    ...limiter.of('otp-send-ip', addressKey(ip), effort),
    ...limiter.of('otp-send-net', networkKey(ip), effort),
    ...limiter.of('otp-send-range', rangeKey(ip), effort),
  ]
}

/** Sending to an address as a step with effort. */
export const sendStep = (call: Call, to: CodeAddress) => ({
  step: `send ${to.channel} ${to.lookup}`,
  limits: async (effort: Effort) => {
    const ip = call.request.clientIp
    const found = to.channel === 'sms' ? await findChallenge(call, { to }) : undefined
    const knownBy = found ? found.knownBy : await knownBrowserOf(call, to.lookup)
    const sms = found ? smsCallerLimits(call.gateway, to, { ip, trust: smsTrust(found), effort }) : []
    return [...sendLimits(call.gateway, to, { ip, knownBy, effort }), ...sms]
  },
})

/** Returns the seconds until this browser may send another code to an address. */
export async function waitToSend(call: Call, to: CodeAddress): Promise<number> {
  const knownBy = await knownBrowserOf(call, to.lookup)
  return call.gateway.limiter.wait(sendLimits(call.gateway, to, { ip: call.request.clientIp, knownBy }))
}

/** Returns the branding of messages for an application: its own if it is from LanOnasis and an operator set its colour. */
export function brandOf(client: Client | undefined): Brand | undefined {
  if (client?.status !== 'active' || !client.first_party || !client.metadata.brand_color) return undefined
  return { name: client.metadata.client_name, colour: client.metadata.brand_color }
}

type CodeRequest = {
  to: CodeAddress
  browserHash?: string
  replaces?: string
  /** Only a name that LanOnasis set or verified: mail must not contain text from strangers. */
  clientName?: string
  brand?: Brand
  link?: (challengeId: string, secret: string) => string
}

function messageOf(
  { issuer }: Gateway,
  { to, clientName: client_name, brand, link }: CodeRequest,
  { id, code, locale }: { id: string; code: string; locale?: string },
): Outgoing {
  const common = { to: to.address, expires_in: otp.LIFETIME_SECONDS, origin: new URL(issuer).host, locale, brand }
  if (link) {
    const payload = { type: 'magic_link.email' as const, ...common, url: link(id, code), client_name }
    return { id, function: 'send-magic-link', payload }
  }
  return to.channel === 'sms'
    ? { id, function: 'send-otp-sms', payload: { type: 'otp.sms', ...common, code } }
    : { id, function: 'send-otp-email', payload: { type: 'otp.email', ...common, code, client_name } }
}

/**
 * Creates a code, sends it and records the delivery status. The answer is the same whether or not the address is known.
 * @param input.browserHash binds the code to the requesting browser
 * @param input.link creates a link with a secret instead of a code to type; the challenge is found by the link only, whose holder presents
 * the hash of the secret instead of that of a browser
 * @param input.replaces that browser's current challenge; without a browser, the newest one of the address is replaced
 * @returns the challenge's id, and the seconds for which new numbers of a country get no messages. Meanwhile the answer to an
 * unknown caller is the same for every number and does not depend on whether a message is sent or delivered.
 * @throws GatewayError otp_rate_limited, otp_undeliverable, sms_unavailable, otp_send_failed (the code is void then)
 */
export const sendCode = (call: Call, input: CodeRequest): Promise<SentCode> =>
  withEffort(call, sendStep(call, input.to), (effort) => sendOnce(call, input, effort))

export type SentCode = { id: string; pause: number }

async function sendOnce(call: Call, input: CodeRequest, effort: Effort): Promise<SentCode> {
  const { gateway } = call
  const { to, replaces, link } = input
  const id = newId()
  const code = link ? randomBytes(32).toString('base64url') : String(randomInt(1_000_000)).padStart(6, '0')
  const browserHash = link ? hashToken(code) : input.browserHash

  const ip = call.request.clientIp
  const pauseThere = to.channel === 'sms' ? await pauseOfNewcomers(gateway, to) : 0
  let trust: SmsTrust | undefined
  const outgoing = await commit(call, async (work) => {
    work.correlationId = id
    const found = await findChallenge(call, { to, challengeId: replaces })
    const sms = to.channel === 'sms' ? { ip, trust: smsTrust(found), effort } : undefined
    trust = sms?.trust
    if (sms) await passSmsGuard(gateway, work, to, sms)
    work.limits = [
      ...sendLimits(gateway, to, { ip, knownBy: found.knownBy, effort }),
      ...(sms ? smsLimits(gateway, to, sms) : []),
    ]
    work.limitRefusal = 'otp_rate_limited'
    const locale = found.person?.locale ?? call.request.language
    const message = messageOf(gateway, input, { id, code, locale })
    if (found.suppressed) {
      noteSuppressed(work, message)
      return undefined
    }
    if (found.challenge && (replaces || (!browserHash && found.challenge.isOwn)))
      resumeChallenge(work, found.challenge).decide((state) => otp.replace(state, id))
    const issued = {
      ...to,
      networkLookup: networkLookup(to, ip),
      sources: sms && smsSources(to, sms),
      codeHash: gateway.hashCode(id, code),
      browserHash,
      now: gateway.now(),
    }
    work.start(otp.otpChallenge, id, { subject: id }).decide(() => otp.issue(issued))
    queueMessage(work, message)
    return message
  }).catch(async (error: unknown) => {
    if (!trust || trust === 'known' || !(error instanceof GatewayError) || error.refusal !== 'sms_unavailable')
      throw error
    const caller = { ip, trust, effort }
    const country = await gateway.limiter.wait(smsCountryLimits(gateway, to, caller))
    // Nothing is sent, so nothing counts for the country.
    const wait =
      country ||
      (await gateway.limiter.hit([...sendLimits(gateway, to, { ip, effort }), ...smsNetworkLimits(gateway, caller)]))
    if (wait > 0) throw new GatewayError('otp_rate_limited', { retryAfter: wait })
    return 'withheld' as const
  })
  const pause = trust && trust !== 'known' ? pauseThere : 0
  if (outgoing === 'withheld') return { id, pause: pause || PROBE_WAIT }
  if (!outgoing) throw new GatewayError('otp_undeliverable', { reason: 'suppressed' })

  const delivery = deliverQueued(call, outgoing, async (work, reason) => {
    const { challenge } = await findChallenge(call, { to, challengeId: id })
    if (challenge) resumeChallenge(work, challenge).decide((state) => otp.recordUndelivered(state, reason))
  })
  if (pause > 0) call.later(delivery)
  else await delivery.then(throwNotSent)
  return { id, pause }
}

function throwNotSent(result: DeliveryResult): void {
  if (result.status === 'accepted') return
  const { reason, retryAfter = 30 } = result
  if (reason === 'recipient_refused') throw new GatewayError('otp_undeliverable', { reason })
  throw new GatewayError('otp_send_failed', { reason, retryAfter })
}
