import { satisfies } from '../../packages/auth-server/src/scope.ts'
import { isWithin, plainAddress } from '../addresses.ts'
import type { Call } from '../call.ts'
import type { ServiceScope } from '../domain/api-key-settings.ts'
import { lowerLevel } from '../domain/derivation.ts'
import { accessLevelOf, isBeyondRole } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import { type ApiKeyFacts, checkKey, countBoundUse, type UseCount } from '../queries/api-keys.ts'
import type { Person } from '../queries/person.ts'
import { hashOfApiKey, lacksChecksum } from '../tokens/api-key.ts'
import { type BindingStatus, checkBinding, type ForwardedRequest } from './api-key-binding.ts'
import { insufficientScope } from './insufficient-scope.ts'

/** The use that a key is verified for, as far as the caller states it. */
export type KeyUseContext = ForwardedRequest & {
  service?: string
  action?: string
  /** Scopes that must all be held. */
  scope?: string[]
  /** Where the key came from, honoured from `VERIFIER_ADDRESSES` only. */
  client_ip?: string
}

export type CheckedKey = {
  key: ApiKeyFacts
  /** Its creator. */
  person: Person
  /** Effective scopes: never more than the creator's. */
  scope: string[]
  service?: ServiceScope
  binding: BindingStatus
  remainingUses?: number
}

/** Whether the caller is a first-party service, by its address. */
export function isOwnService(call: Call): boolean {
  return isWithin(call.gateway.config.VERIFIER_ADDRESSES, call.request.clientIp)
}

function addressOf(call: Call, stated: string | undefined): string | undefined {
  const named = plainAddress(stated)
  return named && isOwnService(call) ? named : call.request.clientIp
}

function checkService(key: ApiKeyFacts, service: ServiceScope | undefined, context: KeyUseContext): void {
  if (key.service === 'all' || context.service === undefined) return
  if (!service) throw new GatewayError('api_key_service')
  const { allowed_actions: actions } = service
  if (context.action !== undefined && actions && !actions.includes(context.action))
    throw new GatewayError('api_key_service', { reason: 'action' })
}

function checkCount({ wait, exhausted, replayed }: UseCount): void {
  if (replayed) throw new GatewayError('api_key_signature_invalid', { reason: 'nonce already used' })
  if (wait > 0) throw new GatewayError('rate_limited', { retryAfter: wait })
  if (exhausted) throw new GatewayError('api_key_exhausted')
}

/**
 * Verifies a presented API key for this caller and use. One statement, which also counts the use of a limited key; a bound key needs
 * a second one for its count or nonce. Unknown, revoked, expired and quarantined keys get the same error.
 * @throws GatewayError api_key_invalid (401), api_key_address, api_key_service, api_key_exhausted, api_key_binding_*,
 *   insufficient_scope (403), api_key_signature_* (401), rate_limited (429)
 */
export async function checkApiKey(call: Call, presented: string, context: KeyUseContext = {}): Promise<CheckedKey> {
  const { reads, personal, keyUse } = call.gateway
  const hash = hashOfApiKey(presented)
  const isMadeUp = lacksChecksum(presented) && !(await call.gateway.olderKeys.areThere())
  if (!hash || isMadeUp) throw new GatewayError('api_key_invalid', { reason: 'not a key' })
  const { service: named } = context
  const address = addressOf(call, context.client_ip)
  const found = await checkKey(reads, personal, { hash, address, service: named })
  if (!found) throw new GatewayError('api_key_invalid', { reason: 'unknown or inactive' })
  const { key, person, addressAllowed, service } = found
  if (!addressAllowed) throw new GatewayError('api_key_address')
  const bound = await checkBinding(call, key, context)
  checkService(key, service, context)

  const limited = key.limits || service?.max_calls_per_minute || service?.max_calls_per_day
  const owed = bound.nonce || (key.binding && limited)
  const count = owed ? await countBoundUse(reads, { id: key.id, service, nonce: bound.nonce }) : found.count
  if (count) checkCount(count)
  else await keyUse.note(key.id, found.activityStale)

  const scope = key.scopes.filter((one) => !isBeyondRole(person.role, one))
  const missing = context.scope?.filter((needed) => !satisfies(scope, needed)) ?? []
  if (missing.length > 0) throw insufficientScope('api_key', missing)
  return {
    key: { ...key, access_level: lowerLevel(key.access_level, accessLevelOf(person.role)) },
    person,
    scope,
    service,
    binding: bound.status,
    remainingUses: count?.left ?? undefined,
  }
}
