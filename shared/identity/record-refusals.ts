import type { MiddlewareHandler } from 'hono'
import { uuidv7 } from 'uuidv7'
import { recordRefusal, refusedRequest } from '../domain/refused-request.ts'
import type { GatewayError, Refusal } from '../errors.ts'
import { commit } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext, AppEnv } from '../http/app.ts'
import { networkKey } from '../http/rate-limit.ts'
import { log } from '../log.ts'
import type { Principal } from './authenticate.ts'

const IDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
const NAME = /^[\w.:-]{1,100}$/

/** Who is behind a request, for the record should it be refused. */
export function rememberCaller(c: AppContext, principal: Principal): void {
  const service = principal.kind === 'service'
  c.set('caller', {
    uai: service ? undefined : principal.person.uai,
    clientId: service ? principal.client.client_id : principal.family?.client.client_id,
    credentialId: principal.credentialId,
  })
}

/** Refusals that are part of how things are done. */
const USUAL: Refusal[] = ['authorization_pending', 'slow_down', 'use_dpop_nonce', 'route_not_found']

/** Refusals that say something of the caller: not a missing route, a full limit, or trouble of our own. */
const isTelling = ({ status, refusal }: GatewayError, target: string | undefined) =>
  status >= 400 &&
  status < 500 &&
  status !== 405 &&
  status !== 429 &&
  !USUAL.includes(refusal) &&
  (status !== 404 || target !== undefined)

async function record(gateway: Gateway, c: AppContext, error: GatewayError, target: string | undefined): Promise<void> {
  const { uai, clientId, credentialId } = c.get('caller') ?? {}
  const ip = networkKey(c.get('clientIp'))
  await commit(commitContext(gateway, c), async (work) => {
    // A client is named, not proven: what it says of itself stands in the data.
    if (uai) work.actor = { type: 'person', id: uai, clientId, credentialId }
    work.limits = [
      ...gateway.limiter.of('refused', ip),
      ...(uai || clientId ? gateway.limiter.of('refused-caller', uai ?? clientId ?? '') : []),
    ]
    work.start(refusedRequest, uuidv7(), { subject: uai }).decide(() =>
      recordRefusal({
        method: c.req.method,
        route: c.req.path.replace(IDS, ':id'),
        refusal: error.code,
        reason: error.options.reason?.slice(0, 200),
        clientId: clientId && NAME.test(clientId) ? clientId : undefined,
        credentialId,
        target,
      }),
    )
  })
}

/**
 * Records refusals of the functions that use it, where an auditor must see them. Past a limit per network and caller they are
 * only logged, so that nobody can make the log grow. Never changes the answer.
 */
export function recordRefusals(gateway: () => Gateway): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next()
    const refused = c.get('refused')
    const target = c.req.path.match(IDS)?.at(-1)
    if (!refused || !isTelling(refused, target)) return
    await record(gateway(), c, refused, target).catch((error: unknown) => {
      const full = error instanceof Error && 'refusal' in error && error.refusal === 'rate_limited'
      if (!full) log.warn('a refusal was not recorded', { error })
    })
  }
}
