import twilio from 'twilio'
import { type Env, misconfigured, providerUrl, required } from './env.ts'
import { Refusal } from './http.ts'
import {
  configuredProviders,
  later,
  postJson,
  QUOTA_RETRY_SECONDS,
  recipientRefused,
  type Sent,
  sendByFirst,
} from './providers.ts'

/** The message of an earlier attempt is searched among this many to the number, within the time of one delivery. */
const NEWEST = 20
const SAME_DELIVERY_MS = 15_000

export interface Sms {
  id: string
  /** E.164. */
  to: string
  text: string
  code: string
  locale?: string
  /** Seconds after which the code has expired and the message is no longer delivered. */
  expiresIn: number
  /** URL to which Twilio reports the delivery status. */
  statusUrl?: string
}

type Client = ReturnType<typeof twilio>
type TwilioRequest = {
  method?: string
  uri?: string
  username?: string
  password?: string
  headers?: Record<string, string>
  params?: Record<string, unknown>
  data?: Record<string, unknown>
}

/**
 * Sends one text message through the first provider that accepts it.
 * @param again returns whether this id was tried before
 * @throws Refusal 422 (final for this number), 429 and 503 (retry later), 500 (configuration)
 */
export async function sendSms(env: Env, sms: Sms, again: () => Promise<boolean>, signal: AbortSignal): Promise<Sent> {
  const providers = configuredProviders(env, 'SMS_PROVIDERS', 'twilio', { twilio: viaTwilio, vonage: viaVonage })
  const before = await again()
  return sendByFirst(
    providers.map((send) => (time: AbortSignal) => send(env, sms, before, time)),
    before,
    signal,
  )
}

/**
 * Sends through Verify if a service of it is configured, else through a Messaging Service. Twilio has no idempotency keys, so it first
 * looks for the message of an earlier attempt.
 */
async function viaTwilio(env: Env, sms: Sms, before: boolean, signal: AbortSignal): Promise<Sent> {
  const client = clientFor(env, signal)
  const verify = env.TWILIO_VERIFY_SERVICE_SID?.trim()
  const service = verify || required(env, 'TWILIO_MESSAGING_SERVICE_SID')
  const [find, send] = verify ? [findVerification, startVerification] : [findMessage, createMessage]
  try {
    const known = before ? await find(client, service, sms) : undefined
    return { provider: verify ? 'twilio-verify' : 'twilio', id: known ?? (await send(client, service, sms)) }
  } catch (error) {
    if (error instanceof Refusal) throw error
    if (signal.aborted) throw later(503, 'provider_timeout', 1, 'timeout')
    throw refusalFor(error as { status?: unknown; code?: unknown })
  }
}

/** developer.vonage.com/api/messages */
async function viaVonage(env: Env, sms: Sms, _before: boolean, signal: AbortSignal): Promise<Sent> {
  const url = `${providerUrl(env, 'VONAGE_BASE_URL', 'https://api.nexmo.com')}/v1/messages`
  const credentials = btoa(`${required(env, 'VONAGE_API_KEY')}:${required(env, 'VONAGE_API_SECRET')}`)
  const { status, body } = await postJson(url, signal, {
    headers: { authorization: `Basic ${credentials}` },
    body: {
      ...{ channel: 'sms', message_type: 'text', to: sms.to.slice(1), from: required(env, 'VONAGE_FROM') },
      ...{ text: sms.text, ttl: Math.max(20, sms.expiresIn), client_ref: sms.id.slice(0, 100) },
    },
  })
  if (status === 202 && typeof body.message_uuid === 'string') return { provider: 'vonage', id: body.message_uuid }
  const detail = `vonage ${status}`
  if (status === 422) throw recipientRefused(detail)
  if (status === 429) throw later(429, 'provider_rate_limited', 1, detail)
  if (status === 402) throw later(429, 'provider_quota_exceeded', QUOTA_RETRY_SECONDS, detail)
  throw status >= 500 ? later(503, 'provider_unavailable', 1, detail) : misconfigured(detail)
}

async function createMessage(client: Client, messagingServiceSid: string, sms: Sms): Promise<string> {
  const { to, text: body, expiresIn: validityPeriod, statusUrl: statusCallback } = sms
  const sent = await client.messages.create({ messagingServiceSid, to, body, validityPeriod, statusCallback })
  return sent.sid
}

async function findMessage(client: Client, _service: string, { to, text }: Sms): Promise<string | undefined> {
  const newest = await client.messages.list({ to, limit: NEWEST, pageSize: NEWEST })
  const recent = newest.filter(({ dateCreated }) => Number(dateCreated) > Date.now() - SAME_DELIVERY_MS)
  return recent.find(({ body, status }) => body === text && status !== 'failed' && status !== 'undelivered')?.sid
}

async function startVerification(client: Client, service: string, { to, code, locale }: Sms): Promise<string> {
  const verification = { to, channel: 'sms', customCode: code, locale: locale?.split('-')[0] }
  const started = await client.verify.v2.services(service).verifications.create(verification)
  return started.sid
}

async function findVerification(client: Client, service: string, { to }: Sms): Promise<string | undefined> {
  const pending = await client.verify.v2
    .services(service)
    .verifications(to)
    .fetch()
    .catch((error: { status?: number }) => {
      if (error.status === 404) return undefined
      throw error
    })
  const attempts = (pending?.sendCodeAttempts ?? []) as { time?: string }[]
  const last = Math.max(0, ...attempts.map(({ time }) => Date.parse(time ?? '') || 0))
  return last > Date.now() - SAME_DELIVERY_MS ? pending?.sid : undefined
}

/** Creates the SDK client on `fetch`, with our timeout and base URL. */
function clientFor(env: Env, signal: AbortSignal): Client {
  const account = required(env, 'TWILIO_ACCOUNT_SID')
  const key = env.TWILIO_API_KEY?.trim()
  const secret = key ? required(env, 'TWILIO_API_SECRET') : required(env, 'TWILIO_AUTH_TOKEN')
  if (!/^AC[0-9a-f]{32}$/.test(account)) throw misconfigured('TWILIO_ACCOUNT_SID is malformed')
  const base = env.TWILIO_BASE_URL?.trim() ? providerUrl(env, 'TWILIO_BASE_URL', '') : undefined
  const httpClient = { request: (request: TwilioRequest) => callTwilio(request, base, signal) }
  return twilio(key ?? account, secret, { accountSid: account, httpClient: httpClient as never, lazyLoading: true })
}

async function callTwilio(request: TwilioRequest, base: string | undefined, signal: AbortSignal) {
  const { method = 'get', uri = '', username, password, headers, params, data } = request
  const url = base ? new URL(uri.replace(/^https:\/\/[^/]+/, base)) : new URL(uri)
  for (const [name, value] of fieldsOf(params)) url.searchParams.append(name, value)
  const body = data && new URLSearchParams(fieldsOf(data))
  const authorization = `Basic ${btoa(`${username}:${password}`)}`
  const response = await fetch(url, {
    method: method.toUpperCase(),
    headers: { ...headers, authorization },
    body,
    signal,
    redirect: 'manual',
  })
  const text = await response.text()
  return { statusCode: response.status, body: parseBody(text), headers: Object.fromEntries(response.headers) }
}

function fieldsOf(data: Record<string, unknown> = {}): [string, string][] {
  return Object.entries(data).flatMap(([name, value]) => {
    const all = Array.isArray(value) ? value : [value]
    return all.filter((one) => one !== undefined && one !== null).map((one): [string, string] => [name, String(one)])
  })
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** This number will never get the message: malformed, not mobile, unreachable, barred, opted out, blocked for fraud. */
const ABOUT_RECIPIENT = new Set([21211, 21214, 21217, 21219, 21408, 21610, 21612, 21614, 30006, 60205, 60410, 60605])
/** Too many messages to this number or from this account at the moment. */
const TOO_MANY = new Set([14107, 20429, 30022, 60203, 60212])

function refusalFor(error: { status?: unknown; code?: unknown }): Refusal {
  if (typeof error.status !== 'number') return later(503, 'provider_unreachable', 1, 'no answer')
  const { status } = error
  const code = typeof error.code === 'number' ? error.code : 0
  const detail = `twilio ${status} ${code}`
  if (status >= 500) return later(503, 'provider_unavailable', 1, detail)
  if (ABOUT_RECIPIENT.has(code)) return recipientRefused(detail)
  if (code === 60203) return later(429, 'provider_quota_exceeded', 600, detail)
  if (status === 429 || TOO_MANY.has(code)) return later(429, 'provider_rate_limited', 1, detail)
  if (code === 30001 || code === 63018) return later(429, 'provider_quota_exceeded', QUOTA_RETRY_SECONDS, detail)
  return misconfigured(detail)
}
