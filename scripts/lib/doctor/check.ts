/** The result of a check; `fix` says what to do about it. */
export type Finding = { state: 'ok' | 'warning' | 'wrong'; detail: string; fix?: string }
export type Checked = Finding & { check: string }

export const ok = (detail: string): Finding => ({ state: 'ok', detail })
export const warning = (detail: string, fix: string): Finding => ({ state: 'warning', detail, fix })
export const wrong = (detail: string, fix: string): Finding => ({ state: 'wrong', detail, fix })

const TIMEOUT_MILLISECONDS = 10_000

/** Fetches without following a redirect. */
export const get = (url: string, init: RequestInit = {}) =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS), ...init })

/** Runs a check; one that throws is `wrong`, with `fix`. */
export async function look(check: string, fix: string, work: () => Promise<Finding>): Promise<Checked> {
  const finding = await work().catch((error: Error) => wrong(causeOf(error), fix))
  return { check, ...finding }
}

/**
 * Returns the messages of an error and its causes, or the reason of an error of the gateway. A connection that fails at several addresses is
 * an AggregateError without a message.
 */
export function causeOf(error: Error & { code?: string; options?: { reason?: string } }): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  const own = error.options?.reason ?? (error.message || error.code)
  return [own, inner instanceof Error && causeOf(inner)].filter(Boolean).join(': ').slice(0, 300)
}
