import type { MiddlewareHandler } from 'hono'
import type { RefusedFacts } from '../domain/refused-request.ts'
import type { GatewayError, Refusal } from '../errors.ts'
import type { AppContext, AppEnv } from './app.ts'

const IDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
const NAME = /^[\w.:-]{1,100}$/

/** Refusals that are part of how things are done. */
const USUAL: Refusal[] = ['authorization_pending', 'slow_down', 'use_dpop_nonce', 'route_not_found']

type Recorder = (c: AppContext, refused: RefusedFacts, how: 'event' | 'count') => Promise<void>

let recorder: Recorder | undefined

/** The module that serves from the database says so when it is loaded, so that no function can forget to record what it refuses. */
export function recordRefusalsBy(work: Recorder): void {
  recorder = work
}

/** Refusals that say something of the caller: not a missing route or trouble of our own. */
const isTelling = (status: number, error: GatewayError | undefined, target: string | undefined) =>
  status >= 400 &&
  status < 500 &&
  status !== 405 &&
  !(error && USUAL.includes(error.refusal)) &&
  (status !== 404 || target !== undefined)

/** Records what a request was refused with, whether it was thrown or is part of a page or of an answer with status 200. */
export const recordRefused: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  const error = c.get('refused')
  const target = c.req.path.match(IDS)?.at(-1)
  const status = error?.status ?? c.res.status
  if (!recorder || !isTelling(status, error, target)) return
  const { clientId, credentialId } = c.get('caller') ?? {}
  const refused = {
    method: c.req.method,
    route: c.req.path.replace(IDS, ':id').slice(0, 200),
    refusal: error?.code ?? `HTTP_${status}`,
    reason: error?.options.reason?.slice(0, 200),
    clientId: clientId && NAME.test(clientId) ? clientId : undefined,
    credentialId,
    target,
  }
  await recorder(c, refused, status === 429 ? 'count' : 'event')
}
