import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { createMailboxApp } from '../../scripts/mailbox/app.tsx'
import { createMessages, type StoredMessage } from '../../scripts/mailbox/messages.ts'
import { startMailbox } from '../../scripts/mailbox.ts'

/** What the next requests to the provider meet instead of, or around, the normal answer. */
export interface Fault {
  /** Answer with this status; without it the request is served. */
  status?: number
  name?: string
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
  headers: Record<string, string>
  body: Record<string, unknown>
}

export interface ResendStandIn {
  url: string
  apiKey: string
  /** Messages that were taken, newest first. */
  messages(): StoredMessage[]
  /** Every request that arrived, oldest first, refused ones included. */
  requests: ProviderRequest[]
  fault(fault: Fault): void
  reset(): void
  stop(): Promise<void>
}

/** A checking Resend on a free port: the mailbox's API with a record of requests and, at `POST /faults`, trouble to order. */
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
  app.use('/emails', async (c, next) => {
    requests.push({ headers: c.req.header(), body: await c.req.json().catch(() => ({})) })
    const fault = takeFault(faults)
    if (fault?.delay_ms && !fault.after) await sleep(fault.delay_ms)
    if (fault?.status) {
      const { status, name = 'application_error', message = 'Something is wrong.', retry_after } = fault
      const headers = { 'content-type': 'application/json', ...(retry_after && { 'retry-after': String(retry_after) }) }
      return new Response(JSON.stringify({ statusCode: status, name, message }), { status, headers })
    }
    await next()
    if (fault?.delay_ms && fault.after) await sleep(fault.delay_ms)
  })
  app.route('/', createMailboxApp({ apiKey, messages: recording }))

  const { url, stop } = await startMailbox({ port: 0, apiKey, app })
  const reset = () => {
    for (const list of [taken, requests, faults]) list.length = 0
  }
  return { url, apiKey, messages: () => [...taken], requests, fault: order, reset, stop }
}

function takeFault(faults: Fault[]): Fault | undefined {
  const [fault] = faults
  if (!fault) return undefined
  fault.times = (fault.times ?? 1) - 1
  if (fault.times <= 0) faults.shift()
  return fault
}
