import * as z from 'zod/mini'
import { ACR } from '../../domain/authentication.ts'
import { once } from '../../once.ts'
import type { SessionFacts } from '../../queries/person.ts'

/** The authentication context that a client requests. */
export type RequestedAcr = {
  /** In order of preference. */
  values: string[]
  /** Whether other values are unacceptable (OpenID Connect Core section 5.5.1.1). */
  essential: boolean
}

export const SUPPORTED_ACR: string[] = Object.values(ACR)

const claimsShape = once(() => {
  const text = z.string().check(z.maxLength(500))
  const acr = z.object({
    essential: z.optional(z.boolean()),
    value: z.optional(text),
    values: z.optional(z.array(text).check(z.maxLength(20))),
  })
  return z.object({
    userinfo: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
    id_token: z.optional(z.nullable(z.object({ acr: z.optional(z.nullable(acr)) }))),
  })
})

/**
 * Reads `acr_values` (voluntary) and `claims` (voluntary or essential). Other claims in `claims` are returned only as the scopes allow
 * (OpenID Connect Core sections 3.1.2.1 and 5.5).
 * @param refuse rejects the request
 */
export function requestedAcr(
  acrValues: string | undefined,
  claims: string | undefined,
  refuse: (description: string) => never,
): RequestedAcr | undefined {
  const voluntary = (acrValues ?? '').split(' ').filter(Boolean)
  const { value, values = [], essential = false } = (claims && readClaims(claims, refuse)) || {}
  const named = value === undefined ? values : [value, ...values]
  if (named.length > 0) return { values: named, essential }
  return voluntary.length > 0 ? { values: voluntary, essential } : undefined
}

function readClaims(claims: string, refuse: (description: string) => never) {
  try {
    return claimsShape().parse(JSON.parse(claims)).id_token?.acr ?? undefined
  } catch {
    return refuse('claims must be a JSON object as in OpenID Connect Core section 5.5.')
  }
}

const STEPPED_UP: readonly string[] = [ACR.multiFactor, ACR.phishingResistant]

/** Whether the request is met by a step-up. */
export const wantsMultiFactor = (requested: RequestedAcr | undefined) =>
  requested?.values.some((one) => STEPPED_UP.includes(one)) ?? false

/** Whether only a passkey meets the request. */
export const needsPasskey = (requested: RequestedAcr | undefined) =>
  requested?.essential === true && wantsMultiFactor(requested) && !requested.values.includes(ACR.multiFactor)

/**
 * Compares a session with the requested authentication context. A phishing-resistant session meets a request for multiple factors.
 * @param isOld whether the session's last authentication is older than the request allows
 * @returns `unmet` if the person cannot reach it
 */
export function compareAcr(
  requested: RequestedAcr | undefined,
  { acr }: SessionFacts,
  isOld: boolean,
): 'good' | 'step_up' | 'unmet' {
  if (!requested) return 'good'
  const { values, essential } = requested
  const isStronger = acr === ACR.phishingResistant && values.includes(ACR.multiFactor)
  const covered = values.includes(acr) || isStronger || (!essential && STEPPED_UP.includes(acr))
  if (covered && !isOld) return 'good'
  if (wantsMultiFactor(requested)) return 'step_up'
  return essential ? 'unmet' : 'good'
}
