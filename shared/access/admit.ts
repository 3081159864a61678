import { satisfies } from '../../packages/auth-server/src/scope.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { Accepts, Caller } from '../http/route.ts'
import { noticeUse } from '../people/sign-in-places.ts'
import { authenticate, type CredentialKind, type Principal } from './authenticate.ts'
import { isForGatewayAlone } from './authority.ts'
import { insufficientScope, unsuitableCredential } from './insufficient-scope.ts'
import { operatorOf } from './operator.ts'
import { demandRecentAuthentication, missingFactor, stepUpNeeded } from './step-up.ts'

/** Returns the kind of caller, as `Accepts` lists them. */
export function callerOf(principal: Principal): Caller {
  if (principal.kind === 'service') return 'service'
  const { source, apiKey, family } = principal
  if (apiKey) return 'api_key'
  if (source === 'sso_session' || !family) return 'browser'
  if (family.kind === 'delegated') return 'agent'
  return family.client.first_party ? 'first_party' : 'application'
}

/** @throws GatewayError invalid_token for a token that is also, or only, for another resource */
function demandAudience(gateway: Gateway, principal: Principal, required: Accepts['audience']): void {
  const { issuer } = gateway
  const { family } = principal
  if (!family || required === 'any') return
  const { audience = [] } = principal
  const alone = isForGatewayAlone(gateway, principal)
  const shared = required === 'account' && family.client.account_access === 'everyday' && audience.includes(issuer)
  if (!alone && !shared) throw new GatewayError('invalid_token', { reason: 'token for another resource' })
}

/** @throws GatewayError insufficient_scope */
function demandScopeOf(principal: Principal, caller: Caller, { scope, keyScope = scope, serviceScope }: Accepts): void {
  const needed = { application: scope, agent: scope, api_key: keyScope, service: serviceScope }[caller as string]
  if (needed && !satisfies(principal.scope, needed)) throw insufficientScope(caller, [needed])
}

/**
 * In a browser, only the gateway's own pages may act for an operator. Other routes also trust sibling subdomains.
 * @throws GatewayError csrf_invalid
 */
function refuseOtherPages(call: Call): void {
  const [site, origin] = [call.request.header('sec-fetch-site') ?? 'none', call.request.header('origin')]
  const own = (site === 'same-origin' || site === 'none') && (!origin || origin === new URL(call.gateway.issuer).origin)
  if (!own) throw new GatewayError('csrf_invalid', { reason: 'operator request from another origin' })
}

/**
 * Checks a principal against what the route accepts.
 * @throws GatewayError insufficient_scope, invalid_token, csrf_invalid, access_denied,
 * insufficient_user_authentication
 */
export async function permit(call: Call, principal: Principal, accepts: Accepts): Promise<void> {
  const caller = callerOf(principal)
  if (!accepts.callers.includes(caller)) throw unsuitableCredential(caller)
  demandAudience(call.gateway, principal, accepts.audience)
  demandScopeOf(principal, caller, accepts)
  if (principal.kind === 'service') return
  if (accepts.namesPeople && principal.person.alias !== undefined) throw unsuitableCredential(caller)
  if (accepts.operator) {
    operatorOf(principal, accepts.operator)
    if (caller === 'browser') refuseOtherPages(call)
    const missing = missingFactor(call.gateway, principal)
    if (missing) throw stepUpNeeded(missing)
  } else if (accepts.recent === 'every caller' || (accepts.recent && caller !== 'browser')) {
    await demandRecentAuthentication(call.gateway, principal)
  }
}

/**
 * Authenticates a request and checks its principal against what the route accepts.
 * @throws GatewayError as authenticate and permit
 */
export async function admit(call: Call, accepts: Accepts, order?: CredentialKind[]): Promise<Principal> {
  const context = { door: [call.gateway.issuer] }
  const principal = await authenticate(call, { order, missing: accepts.missing, context })
  await permit(call, principal, accepts)
  if (principal.kind === 'person' && principal.source === 'sso_session' && principal.session)
    noticeUse(call, { person: principal.person, session: principal.session }, 'account')
  return principal
}
