import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export type SentCode = { id: string; to: string; code: string; body: Record<string, unknown>; traceparent?: string }

/** How the next deliveries fail: this status, after this many milliseconds, so many times. */
export type DeliveryFault = { status: number; code?: string; retryAfter?: number; delayMs?: number; times?: number }

export interface CodeInbox {
  /** Base URL of the functions, ending in `/functions/v1`. */
  url: string
  /** Every accepted message, oldest first. */
  sent: SentCode[]
  /** Attempts that arrived, refused ones included. */
  attempts: number
  /** The newest code for an address. Throws when none was sent. */
  codeFor(email: string): string
  /** The newest link for an address. Throws when none was sent. */
  linkFor(email: string): string
  fail(fault: DeliveryFault): void
  recover(): void
  stop(): Promise<void>
}

/** Stands in for the edge function: checks the Standard Webhooks signature of every message and keeps its code. */
export async function startCodeInbox(secret: string): Promise<CodeInbox> {
  const webhook = new Webhook(secret.replace(/^v1,whsec_/, ''))
  const sent: SentCode[] = []
  let fault: DeliveryFault | undefined
  const inbox = { attempts: 0 }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    inbox.attempts += 1
    const answer = (status: number, body: object, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const raw = Buffer.concat(chunks).toString()
    const headers = request.headers as Record<string, string>
    try {
      webhook.verify(raw, headers)
    } catch {
      return answer(401, { error: { code: 'signature_invalid', message: 'signature' } })
    }
    const now = fault
    if (fault?.times !== undefined && --fault.times <= 0) fault = undefined
    if (now?.delayMs) await new Promise((resolve) => setTimeout(resolve, now.delayMs))
    if (now)
      return answer(
        now.status,
        { error: { code: now.code ?? 'provider_unavailable', message: 'down' } },
        now.retryAfter ? { 'retry-after': String(now.retryAfter) } : {},
      )
    const body = JSON.parse(raw)
    const id = headers['webhook-id'] ?? ''
    sent.push({ id, to: body.to, code: body.code, body, traceparent: headers.traceparent })
    return answer(200, { id: `mail-${id}`, provider: 'resend' })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/functions/v1`,
    sent,
    get attempts() {
      return inbox.attempts
    },
    codeFor(email) {
      // A notice to the same address may arrive after the code.
      const found = sent.findLast(({ to, code }) => code && to.toLowerCase() === email.toLowerCase())
      if (!found) throw new Error(`no code was sent to ${email}`)
      return found.code
    },
    linkFor(email) {
      const found = sent.findLast(({ to, body }) => to.toLowerCase() === email.toLowerCase() && body.url)
      if (!found) throw new Error(`no link was sent to ${email}`)
      return String(found.body.url)
    },
    fail: (next) => {
      fault = { ...next }
    },
    recover: () => {
      fault = undefined
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
