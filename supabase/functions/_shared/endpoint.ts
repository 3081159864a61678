import { contentId } from './content-id.ts'
import { type Env, required } from './env.ts'
import { parseJson, Refusal, readText, reply, replyRefusal, requireJsonPost } from './http.ts'
import { fieldsOf } from './payload.ts'
import type { Sent } from './providers.ts'
import { createReplayGuard, type ReplayGuard } from './replay.ts'
import { parseSecrets, verifyWebhook } from './webhook.ts'

/** A verified message. */
export interface Message<T> {
  /** The same across the sender's attempts to send one message. */
  id: string
  payload: T
  /** Aborts when there is no time left. */
  signal: AbortSignal
  /** Records that this id is being processed; returns whether another request did so before. */
  again(): Promise<boolean>
}

interface Endpoint<T> {
  name: string
  env: Env
  /** Checks the parsed body; returns undefined when it is not a message of this endpoint. */
  parse(body: unknown): T | undefined
}

interface Signed {
  /** Variable with the secrets of the sender. */
  secret: string
  maxBytes: number
  timeoutMs: number
}

/** A request with a valid signature. */
interface Verified {
  body: string
  webhookId: string
  guard: ReplayGuard
  signal: AbortSignal
  /** Claims this request; returns whether it is the first one. */
  claim(scope: string): Promise<boolean>
  again(id: string): Promise<boolean>
}

interface Outcome {
  outcome: string
  body: object
  provider_id?: string
}

/**
 * Returns a handler that verifies the signature of the raw body before `answer` sees it, and writes one JSON line per request, with ids and
 * codes only: no address, no one-time code, no body.
 */
function webhookHandler(
  { name, env, secret, maxBytes, timeoutMs }: Omit<Endpoint<unknown>, 'parse'> & Signed,
  answer: (request: Verified) => Promise<Outcome>,
  refuse: (refusal: Refusal) => Response,
): (request: Request) => Promise<Response> {
  const guard = createReplayGuard(env)
  return async (request) => {
    const started = performance.now()
    const signal = AbortSignal.timeout(timeoutMs)
    let message_id: string | undefined
    const finish = (response: Response, outcome: string, more: { provider_id?: string; detail?: string }) => {
      const { status } = response
      const level = status >= 500 ? 'error' : 'info'
      const duration_ms = Math.round(performance.now() - started)
      const line = JSON.stringify({ level, function: name, outcome, status, message_id, ...more, duration_ms })
      if (level === 'error') console.error(line)
      else console.log(line)
      return response
    }
    try {
      requireJsonPost(request)
      const secrets = parseSecrets(required(env, secret), secret)
      const body = await readText(request, maxBytes, signal)
      const { id, fingerprint, staleAt } = verifyWebhook(secrets, request.headers, body)
      message_id = id
      const claim = (scope: string, key = fingerprint) => guard.claim(scope, key, staleAt)
      const again = async (id: string) => !(await claim(`${name}:id`, new TextEncoder().encode(id)))
      const {
        outcome,
        body: answered,
        provider_id,
      } = await answer({ body, webhookId: id, guard, signal, claim, again })
      return finish(reply(200, answered), outcome, { provider_id })
    } catch (error) {
      const refusal = error instanceof Refusal ? error : internalError(error)
      return finish(refuse(refusal), refusal.code, { detail: refusal.detail })
    }
  }
}

function internalError(error: unknown): Refusal {
  const detail = error instanceof Error ? error.name : typeof error
  return new Refusal(500, 'internal_error', 'Something went wrong.', { detail })
}

function parsePayload<T>(parse: Endpoint<T>['parse'], body: unknown): T {
  const payload = parse(body)
  if (payload === undefined) throw new Refusal(400, 'payload_invalid', 'A field is missing or malformed.')
  return payload
}

/**
 * Returns a handler for messages that the gateway signs: refuses replays, delivers once per id, answers `{"id", "provider"}`. A signed
 * `{"type": "probe"}` is answered with `{"probe": "ok"}`: it passes all checks of a message, and sends nothing.
 * It takes four seconds at most, so that the caller can retry within its own limit.
 */
export function signedEndpoint<T>(
  endpoint: Endpoint<T> & { deliver(message: Message<T>): Promise<Sent> },
): (request: Request) => Promise<Response> {
  const { name, parse, deliver } = endpoint
  const signed = { secret: 'OTP_WEBHOOK_SECRET', maxBytes: 20 * 1024, timeoutMs: 4_000 }
  return webhookHandler(
    { ...endpoint, ...signed },
    async ({ body, webhookId: id, guard, signal, claim, again }) => {
      const parsed = parseJson(body)
      if (fieldsOf(parsed).type === 'probe') {
        await claim(`${name}:probe`)
        return { outcome: 'probe', body: { probe: 'ok', replay_guard: guard.kind } }
      }
      const payload = parsePayload(parse, parsed)
      if (!(await claim(name))) throw new Refusal(409, 'replay', 'This request was received before.')
      const sent = await deliver({ id, payload, signal, again: () => again(id) })
      return { outcome: 'accepted', provider_id: sent.id, body: { id: sent.id, provider: sent.provider } }
    },
    replyRefusal,
  )
}

/**
 * Returns a handler for an HTTP hook of Supabase Auth: sends, answers `{}`. A repeated request sends once: Supabase sends every attempt with
 * another message id but the same body, so the id of the message is derived from the body. Errors that the user can fix are answered with
 * 200, the only status whose message Supabase passes on; 429 and 503 with Retry-After make it retry; anything else becomes its own generic
 * 500. It takes 2.7 seconds at most: Supabase allows five for all attempts of one hook.
 * @param endpoint.secret variable with the hook's secret, as Supabase shows it
 */
export function hookEndpoint<T>(
  endpoint: Endpoint<T> & { secret: string; deliver(message: Message<T>): Promise<void> },
): (request: Request) => Promise<Response> {
  const { name, parse, deliver } = endpoint
  return webhookHandler(
    // A user object contains all of its metadata, which Supabase does not limit.
    { ...endpoint, maxBytes: 1024 * 1024, timeoutMs: 2_700 },
    async ({ body, signal, claim, again }) => {
      const payload = parsePayload(parse, parseJson(body))
      if (!(await claim(name))) return { outcome: 'replay', body: {} }
      const id = await contentId(body)
      let tried: Promise<boolean> | undefined
      // Asked once, however many mails a hook sends.
      await deliver({ id, payload, signal, again: () => (tried ??= again(id)) })
      return { outcome: 'accepted', body: {} }
    },
    answerHook,
  )
}

const TO_THE_USER: Record<string, string> = {
  recipient_refused: 'Messages cannot be delivered to this address. Please use another one.',
  country_refused: 'Text messages cannot be sent to this number. Please use another one.',
  provider_quota_exceeded: 'Too many messages were sent. Please try again later.',
}

function answerHook(refusal: Refusal): Response {
  const message = TO_THE_USER[refusal.code]
  return message ? reply(200, { error: { http_code: refusal.status, message } }) : replyRefusal(refusal)
}
