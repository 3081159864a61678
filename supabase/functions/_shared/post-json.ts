import { Refusal } from './http.ts'

/**
 * Posts JSON to a provider and reads its answer.
 * @throws Refusal 503 when there is no answer
 */
export async function postJson(
  url: string,
  signal: AbortSignal,
  { headers, body }: { headers: Record<string, string>; body: object },
): Promise<{ status: number; body: Record<string, unknown> }> {
  try {
    const init = { method: 'POST', body: JSON.stringify(body), redirect: 'manual', signal } as const
    const all = { ...headers, 'content-type': 'application/json', accept: 'application/json' }
    const response = await fetch(url, { ...init, headers: all })
    const answer = await response.json().catch(() => ({}))
    return { status: response.status, body: answer ?? {} }
  } catch {
    const code = signal.aborted ? 'provider_timeout' : 'provider_unreachable'
    throw new Refusal(503, code, 'The provider cannot take the message right now.', {
      retryAfter: 1,
      detail: 'no answer',
    })
  }
}
