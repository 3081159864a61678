import { type Env, required } from './env.ts'
import { Refusal, readText, reply, replyRefusal, requireJsonPost } from './http.ts'
import { log } from './log.ts'
import { parseJson } from './parse-json.ts'
import { fieldsOf } from './payload.ts'
import { createReplayGuard } from './replay.ts'
import type { Sent } from './sent.ts'
import { parseSecrets, type VerifiedWebhook, verifyWebhook } from './webhook.ts'

const SECRET = 'OTP_WEBHOOK_SECRET'
const MAX_BODY_BYTES = 20 * 1024
const TIME_BUDGET_MS = 4_000

/** A verified message: its id, the same across the sender's retries, and the signal to give up. */
export interface Message<T> {
  id: string
  payload: T
  signal: AbortSignal
  /** Records that this id is being processed; returns whether another request did so before. */
  again(): Promise<boolean>
}

export interface SignedEndpoint<T> {
  name: string
  env: Env
  /** Checks the parsed body; returns undefined when it is not a message of this endpoint. */
  parse(body: unknown): T | undefined
  /** Sends the message once per id; returns the provider that accepted it. */
  deliver(message: Message<T>): Promise<Sent>
}

/**
 * Returns a handler for signed messages: verifies the raw body, refuses replays, delivers, answers `{"id", "provider"}`. A signed
 * `{"type": "probe"}` is answered with `{"probe": "ok"}`, and sends nothing.
 * It takes four seconds at most, so that the caller can retry within its own limit.
 */
export function signedEndpoint<T>(endpoint: SignedEndpoint<T>): (request: Request) => Promise<Response> {
  const guard = createReplayGuard(endpoint.env)
  const again = async ({ id, staleAt }: VerifiedWebhook) =>
    !(await guard.claim(`${endpoint.name}:id`, new TextEncoder().encode(id), staleAt))
  return async (request) => {
    const started = performance.now()
    const signal = AbortSignal.timeout(TIME_BUDGET_MS)
    const line: { message_id?: string; provider_id?: string } = {}
    const finish = (response: Response, outcome: string, detail?: string) => {
      const duration_ms = Math.round(performance.now() - started)
      log({ function: endpoint.name, outcome, status: response.status, ...line, detail, duration_ms })
      return response
    }
    try {
      requireJsonPost(request)
      const secrets = parseSecrets(required(endpoint.env, SECRET), SECRET)
      const body = await readText(request, MAX_BODY_BYTES, signal)
      const webhook = verifyWebhook(secrets, request.headers, body)
      line.message_id = webhook.id
      const parsed = parseJson(body)
      if (isProbe(parsed)) {
        await guard.claim(`${endpoint.name}:probe`, webhook.fingerprint, webhook.staleAt)
        return finish(reply(200, { probe: 'ok', replay_guard: guard.kind }), 'probe')
      }
      const payload = endpoint.parse(parsed)
      if (payload === undefined) throw new Refusal(400, 'payload_invalid', 'A field is missing or malformed.')
      if (!(await guard.claim(endpoint.name, webhook.fingerprint, webhook.staleAt))) {
        throw new Refusal(409, 'replay', 'This request was received before.')
      }
      const { id, provider } = await endpoint.deliver({ id: webhook.id, payload, signal, again: () => again(webhook) })
      line.provider_id = id
      return finish(reply(200, { id, provider }), 'accepted')
    } catch (error) {
      const refusal = asRefusal(error)
      return finish(replyRefusal(refusal), refusal.code, refusal.detail)
    }
  }
}

/** A probe runs all checks of a message but sends nothing. */
const isProbe = (body: unknown) => fieldsOf(body).type === 'probe'

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const detail = error instanceof Error ? error.name : typeof error
  return new Refusal(500, 'internal_error', 'Something went wrong.', { detail })
}
