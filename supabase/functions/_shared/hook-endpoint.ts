import { contentId } from './content-id.ts'
import { type Env, required } from './env.ts'
import { Refusal, readText, reply, replyRefusal, requireJsonPost } from './http.ts'
import { log } from './log.ts'
import { parseJson } from './parse-json.ts'
import { createReplayGuard } from './replay.ts'
import { parseSecrets, verifyWebhook } from './webhook.ts'

/** A user object contains all of its metadata, which Supabase does not limit. */
const MAX_BODY_BYTES = 1024 * 1024
/** Supabase allows five seconds for all attempts of one hook. */
const TIME_BUDGET_MS = 2_700

export interface HookEndpoint<T> {
  name: string
  env: Env
  /** Variable with the hook's secret, as Supabase shows it. */
  secret: string
  /** Parses the hook's body; undefined when it is not one of this hook. */
  parse(body: unknown): T | undefined
  /**
   * Sends the messages before `signal` aborts. Supabase sends every attempt with another message id but the same body, so `id` is derived
   * from the body.
   */
  deliver(hook: { id: string; payload: T; signal: AbortSignal; again(): Promise<boolean> }): Promise<void>
}

/**
 * Returns a handler for an HTTP hook of Supabase Auth: verifies the raw body, sends, answers `{}`. A repeated request sends once. Errors
 * that the user can fix are answered with 200, the only status whose message Supabase passes on; 429 and 503 with Retry-After make it
 * retry; anything else becomes its own generic 500.
 */
export function hookEndpoint<T>(endpoint: HookEndpoint<T>): (request: Request) => Promise<Response> {
  const guard = createReplayGuard(endpoint.env)
  return async (request) => {
    const started = performance.now()
    const signal = AbortSignal.timeout(TIME_BUDGET_MS)
    let messageId: string | undefined
    const finish = (response: Response, outcome: string, detail?: string) => {
      const duration_ms = Math.round(performance.now() - started)
      log({ function: endpoint.name, outcome, status: response.status, message_id: messageId, detail, duration_ms })
      return response
    }
    try {
      requireJsonPost(request)
      const secrets = parseSecrets(required(endpoint.env, endpoint.secret), endpoint.secret)
      const body = await readText(request, MAX_BODY_BYTES, signal)
      const webhook = verifyWebhook(secrets, request.headers, body)
      messageId = webhook.id
      const payload = endpoint.parse(parseJson(body))
      if (payload === undefined) throw new Refusal(400, 'payload_invalid', 'A field is missing or malformed.')
      if (!(await guard.claim(endpoint.name, webhook.fingerprint, webhook.staleAt)))
        return finish(reply(200, {}), 'replay')
      const id = await contentId(body)
      const again = async () =>
        !(await guard.claim(`${endpoint.name}:id`, new TextEncoder().encode(id), webhook.staleAt))
      await endpoint.deliver({ id, payload, signal, again: once(again) })
      return finish(reply(200, {}), 'accepted')
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'internal_error', 'Something went wrong.')
      return finish(answerFor(refusal), refusal.code, refusal.detail)
    }
  }
}

/** Calls `ask` once, however many mails a hook sends. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  return () => {
    answer ??= ask()
    return answer
  }
}

const TO_THE_USER: Record<string, string> = {
  recipient_refused: 'Messages cannot be delivered to this address. Please use another one.',
  country_refused: 'Text messages cannot be sent to this number. Please use another one.',
  provider_quota_exceeded: 'Too many messages were sent. Please try again later.',
}

function answerFor(refusal: Refusal): Response {
  const message = TO_THE_USER[refusal.code]
  return message ? reply(200, { error: { http_code: refusal.status, message } }) : replyRefusal(refusal)
}
