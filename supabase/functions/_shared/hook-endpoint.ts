import { contentId } from './content-id.ts'
import { type Env, required } from './env.ts'
import { Refusal, readText, reply, replyRefusal, requireJsonPost } from './http.ts'
import { log } from './log.ts'
import { parseJson } from './parse-json.ts'
import { createReplayGuard } from './replay.ts'
import { parseSecrets, verifyWebhook } from './webhook.ts'

/** A user object comes with all of its metadata, which Supabase does not bound. */
const MAX_BODY_BYTES = 1024 * 1024
/** Supabase gives all tries of one hook five seconds. */
const TIME_BUDGET_MS = 2_700

export interface HookEndpoint<T> {
  name: string
  env: Env
  /** Variable with the hook's secret, as Supabase shows it. */
  secret: string
  /** Reads what Supabase sends; undefined when it is not what this hook takes. */
  parse(body: unknown): T | undefined
  /**
   * Sends what there is to send, in less time than `signal` gives. Supabase gives every try another message id but the same body,
   * so `id` is made from that: the same for every try.
   */
  deliver(hook: { id: string; payload: T; signal: AbortSignal; again(): Promise<boolean> }): Promise<void>
}

/**
 * A handler for an HTTP hook of Supabase Auth: verify the raw body, send, answer `{}`. The same request twice sends once. What its
 * user can do something about is told in a 200, which is the only answer whose sentence Supabase passes on; 429 and 503 with
 * Retry-After make it try again; the rest is its own generic 500.
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

/** Asks once, however many mails a hook sends. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  return () => {
    answer ??= ask()
    return answer
  }
}

const TO_THE_USER: Record<string, string> = {
  recipient_refused: 'Messages to this address do not arrive. Please use another one.',
  country_refused: 'Text messages to this number are not possible. Please use another one.',
  provider_quota_exceeded: 'Too many messages were sent. Please try again later.',
}

function answerFor(refusal: Refusal): Response {
  const message = TO_THE_USER[refusal.code]
  return message ? reply(200, { error: { http_code: refusal.status, message } }) : replyRefusal(refusal)
}
