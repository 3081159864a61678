import type { MiddlewareHandler } from 'hono'
import { networkKey } from '../addresses.ts'
import type { GatewayError, Refusal } from '../errors.ts'
import type { AppEnv } from './app.ts'
import { hasGateway } from './call.ts'

const IDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
const NAME = /^[\w.:-]{1,100}$/

/** Errors that are part of normal protocol flow. */
const USUAL: Refusal[] = ['authorization_pending', 'slow_down', 'use_dpop_nonce', 'route_not_found']

/** Errors caused by the caller, other than missing routes and errors of the gateway. */
const isTelling = (status: number, error: GatewayError | undefined, target: string | undefined) =>
  status >= 400 &&
  status < 500 &&
  status !== 405 &&
  !(error && USUAL.includes(error.refusal)) &&
  (status !== 404 || target !== undefined)

/** Records the error of a refused request, whether it was thrown or is part of a page or of a 200 response. */
export const recordRefused: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  const { call } = c.var
  const { refused: error, caller = {} } = call.notes
  const target = c.req.path.match(IDS)?.at(-1)
  const status = error?.status ?? c.res.status
  if (!hasGateway() || !isTelling(status, error, target)) return
  const { uai, clientId, credentialId } = caller
  const facts = {
    method: c.req.method,
    route: c.req.path.replace(IDS, ':id').slice(0, 200),
    refusal: error?.code ?? `HTTP_${status}`,
    reason: error?.options.reason?.slice(0, 200),
    clientId: clientId && NAME.test(clientId) ? clientId : undefined,
    credentialId,
    target,
  }
  const { gateway, request } = call
  const { id, clientIp, userAgent } = request
  const context = { gateway, request: { id, clientIp, userAgent } }
  const by = { network: networkKey(clientIp), uai, clientId: facts.clientId, credentialId }
  if (status === 429) gateway.refusals.count(context, by, facts.refusal)
  else await gateway.refusals.record(context, by, facts)
}
