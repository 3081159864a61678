import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { createMailboxApp } from '../../scripts/mailbox/app.tsx'
import { createMessages, type StoredMessage } from '../../scripts/mailbox/messages.ts'
import { LOCAL_OTHERS } from '../../scripts/mailbox/other-apis.ts'
import { LOCAL_TWILIO } from '../../scripts/mailbox/twilio-api.ts'
import { startMailbox } from '../../scripts/mailbox.ts'

/** What the next requests to the provider meet instead of, or around, the normal answer. */
export interface Fault {
  /** Answer with this status; without it the request is served. */
  status?: number
  name?: string
  /** Twilio's number for it. */
  code?: number
  message?: string
  /** Seconds for the Retry-After header. */
  retry_after?: number
  /** Milliseconds to wait. */
  delay_ms?: number
  /** Wait once the message is taken rather than before. */
  after?: boolean
  /** How many requests meet it; default 1. */
  times?: number
}

export interface ProviderRequest {
  method: string
  path: string
  headers: Record<string, string>
  /** Of JSON or of a form. */
  body: Record<string, unknown>
}

export interface ResendStandIn {
  url: string
  apiKey: string
  /** What the functions under test need in their environment to send here. */
  env: Record<string, string>
  /** Messages that were taken, newest first. */
  messages(): StoredMessage[]
  /** Every request that arrived, oldest first, refused ones included. */
  requests: ProviderRequest[]
  fault(fault: Fault): void
  reset(): void
  stop(): Promise<void>
}

/** A checking Resend and Twilio on a free port: the mailbox's APIs with a record of requests and, at `POST /faults`, errors on demand. */
export async function startResendStandIn(apiKey = 're_stand_in_key'): Promise<ResendStandIn> {
  const taken: StoredMessage[] = []
  const requests: ProviderRequest[] = []
  const faults: Required<Pick<Fault, 'times'>>[] & Fault[] = []
  const messages = createMessages()
  const recording = {
    ...messages,
    add: (message: StoredMessage) => {
      taken.unshift(message)
      messages.add(message)
    },
  }
  const order = (fault: Fault) => void faults.push({ ...fault, times: fault.times ?? 1 })

  const app = new Hono()
  app.post('/faults', async (c) => {
    order(await c.req.json())
    return c.body(null, 204)
  })
  app.use('*', async (c, next) => {
    const { method, path } = c.req
    requests.push({ method, path, headers: c.req.header(), body: fieldsOf(await c.req.text()) })
    const fault = takeFault(faults)
    if (fault?.delay_ms && !fault.after) await sleep(fault.delay_ms)
    if (fault?.status) {
      const { status, name = 'application_error', message = 'Something is wrong.', retry_after } = fault
      const headers = { 'content-type': 'application/json', ...(retry_after && { 'retry-after': String(retry_after) }) }
      const { code } = fault
      return new Response(JSON.stringify({ statusCode: status, status, name, code, message }), { status, headers })
    }
    await next()
    if (fault?.delay_ms && fault.after) await sleep(fault.delay_ms)
  })
  app.route('/', createMailboxApp({ apiKey, messages: recording }))

  const { url, stop } = await startMailbox({ port: 0, apiKey, app })
  const reset = () => {
    for (const list of [taken, requests, faults]) list.length = 0
  }
  const env = {
    RESEND_API_KEY: apiKey,
    RESEND_BASE_URL: url,
    OTP_EMAIL_FROM: 'LanOnasis <signin@lanonasis.com>',
    TWILIO_ACCOUNT_SID: LOCAL_TWILIO.accountSid,
    TWILIO_AUTH_TOKEN: LOCAL_TWILIO.authToken,
    TWILIO_MESSAGING_SERVICE_SID: `MG${'1'.repeat(32)}`,
    TWILIO_BASE_URL: url,
    POSTMARK_BASE_URL: url,
    POSTMARK_SERVER_TOKEN: LOCAL_OTHERS.postmarkToken,
    VONAGE_BASE_URL: url,
    VONAGE_API_KEY: LOCAL_OTHERS.vonageKey,
    VONAGE_API_SECRET: LOCAL_OTHERS.vonageSecret,
    VONAGE_FROM: 'LanOnasis',
  }
  return { url, apiKey, env, messages: () => [...taken], requests, fault: order, reset, stop }
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text)
  } catch {
    return Object.fromEntries(new URLSearchParams(text))
  }
}

function takeFault(faults: Fault[]): Fault | undefined {
  const [fault] = faults
  if (!fault) return undefined
  fault.times = (fault.times ?? 1) - 1
  if (fault.times <= 0) faults.shift()
  return fault
}
