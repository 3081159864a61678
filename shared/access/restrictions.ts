import * as z from 'zod/mini'
import { satisfies } from '../../packages/auth-server/src/scope.ts'
import { mayHold } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import { once } from '../once.ts'
import { callerOf } from './admit.ts'
import type { Principal } from './authenticate.ts'
import type { KeyUseContext } from './check-api-key.ts'
import { insufficientScope } from './insufficient-scope.ts'
import { isSameResource } from './resource.ts'
import { SERVICES } from './service-catalogue.ts'

const name = once(() => z.optional(z.string().check(z.maxLength(500))))
const scopes = once(() =>
  z.pipe(
    z.union([z.array(z.string().check(z.maxLength(200))).check(z.maxLength(50)), z.string().check(z.maxLength(2000))]),
    z.transform((given: string | string[]) => (typeof given === 'string' ? given.split(' ').filter(Boolean) : given)),
  ),
)

/** Optional restrictions of a verification: the credential is refused unless it meets each one named. */
export const restrictionParameters = once(() => ({
  scope: z.optional(scopes()),
  audience: name(),
  resource: name(),
  client_id: name(),
  service: name(),
  action: name(),
  installation_id: name(),
}))

/** An action requires its service. */
export const actionAlone = () => new GatewayError('invalid_request', { details: { action: ['needs service'] } })
const unmet = (reason: string) => new GatewayError('invalid_token', { reason })

/** Whether a principal has a scope: a browser session has the scopes of the person's role. */
function holds(principal: Principal, scope: string): boolean {
  if (principal.kind === 'person' && principal.source === 'sso_session') return mayHold(principal.person.role, scope)
  return satisfies(principal.scope, scope)
}

/** Browsers and first-party applications may use every service; other callers need its scopes, as at `/api/v1/services`. */
function demandService(principal: Principal, service: string, action: string | undefined): void {
  const caller = callerOf(principal)
  const found = SERVICES.find(({ service_key }) => service_key === service)
  if (!found) throw insufficientScope(caller, [service])
  if (caller === 'browser' || caller === 'first_party') return
  const { read, write } = found.scopes
  const enough = action === undefined ? [read, write] : [action === 'read' ? read : write]
  if (!enough.some((one) => satisfies(principal.scope, one))) throw insufficientScope(caller, [enough[0] ?? service])
}

/** Client ids are compared case-insensitively, except URLs of metadata documents. */
const clientKey = (id: string) => (/^https?:\/\//.test(id) ? id : id.toLowerCase())

/**
 * Refuses a token or a browser session that does not meet the restrictions; `checkApiKey` applies them to API keys. A session is
 * valid for every audience of ours, but belongs to no client; tokens belong to no installation.
 * @throws GatewayError invalid_request, invalid_token, insufficient_scope
 */
export function demandRestrictions(principal: Principal, asked: KeyUseContext): void {
  const { scope = [], audience, resource, client_id, service, action, installation_id } = asked
  if (action !== undefined && service === undefined) throw actionAlone()
  if (principal.kind === 'person' && principal.apiKey) return
  const { family, audience: good = [] } = principal
  for (const target of [audience, resource])
    if (family && target !== undefined && !good.some((one) => isSameResource(one, target)))
      throw unmet('token for another resource')
  if (client_id !== undefined && (!family || clientKey(family.client.client_id) !== clientKey(client_id)))
    throw unmet('of another client')
  if (installation_id !== undefined) throw unmet('of no installation')
  const missing = scope.filter((one) => !holds(principal, one))
  if (missing.length > 0) throw insufficientScope(callerOf(principal), missing)
  if (service !== undefined) demandService(principal, service, action)
}
