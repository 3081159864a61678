import { browserKey, keepBrowserKey } from '../access/browser-key.ts'
import { afterwards, formStatesOf } from '../access/form-states.ts'
import type { Call } from '../call.ts'
import { lacksSecondFactor } from '../domain/authentication.ts'
import { pendingSignIn, requireSecondFactor, SECOND_FACTOR_SECONDS } from '../domain/pending-sign-in.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { StepDone } from '../http/redirect.ts'
import { newId } from '../ids.ts'
import type { ProvenAccount } from '../people/external-account.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import type { Person } from '../queries/person.ts'
import type { SignInChecks } from '../queries/sign-in-places.ts'
import type { AskedHooks, Settled, SignInRequest } from './complete.ts'
import { isRemembered } from './factors/remembered-devices.ts'
import type { Authentication } from './start-session.ts'

export const SECOND_FACTOR_PAGE = '/web/second-factor'
const SEALED_FOR = 'mfa-token'

/**
 * A sign-in that waits for its second factor: all that is needed to complete it. It is kept for the browser that began it, or sealed
 * in the `mfa_token` of a program. The stream of the same id makes it valid once.
 */
export type HeldSignIn = {
  id: string
  uai: string
  authentication: Authentication
  /** The second factors that the person has; without any, they set one up first. */
  factors: SecondFactor[]
  /** ISO 8601. */
  notAfter?: string
  upstream?: { slug: string; facts: UpstreamFacts }
  link?: ProvenAccount
  notice?: Settled['notice']
  /** The hooks that are informed once the sign-in is complete. */
  hooks?: AskedHooks
} & Pick<SignInRequest, 'platform' | 'projectScope' | 'samePerson' | 'page' | 'device'> & { pair: boolean }

/** A factor that counts as set up. Recovery codes alone do not. */
const SECOND_FACTORS = ['totp', 'passkey'] as const
type SecondFactor = (typeof SECOND_FACTORS)[number]

const nameOf = (id: string) => `second factor ${id}`

/**
 * Returns the second factors of which a person must present one after the one that they have proven.
 * @param checks undefined for a new person
 * @returns undefined if none is needed
 */
export async function missingFactor(
  call: Call,
  { person, authentication, second }: Pick<Settled, 'person' | 'authentication' | 'second'>,
  checks: Pick<SignInChecks, SecondFactor> | undefined,
): Promise<SecondFactor[] | undefined> {
  const policy = call.gateway.config.SECOND_FACTOR_POLICY
  if (policy === 'never' || second || !lacksSecondFactor(authentication.acr)) return undefined
  const factors = SECOND_FACTORS.filter((factor) => checks?.[factor])
  if (factors.length === 0) return policy === 'always' ? factors : undefined
  return (await isRemembered(call, person)) ? undefined : factors
}

/** Holds a sign-in in the unit of work that records its first factor. */
export function holdSignIn(
  gateway: Gateway,
  work: Work,
  settled: Settled,
  request: SignInRequest,
  more: Pick<HeldSignIn, 'factors' | 'hooks'>,
): HeldSignIn {
  const id = newId()
  const { person, authentication, notAfter, upstream, link, notice } = settled
  const { platform, projectScope, samePerson, page, device, tokens } = request
  const { method, provenBy } = authentication
  const facts = { uai: person.uai, platform, method, provenBy }
  work.start(pendingSignIn, id, aboutPerson(person)).decide(() => requireSecondFactor(facts, gateway.now()))
  return {
    ...{
      id,
      uai: person.uai,
      authentication,
      upstream,
      link,
      notice,
      platform,
      projectScope,
      samePerson,
      page,
      device,
    },
    ...{ notAfter: notAfter?.toISOString(), pair: tokens === 'pair', ...more },
  }
}

/**
 * Ends the request of a sign-in that waits: a browser goes on to the page for the second factor; a program gets an `mfa_token`.
 * @throws StepDone, GatewayError mfa_required
 */
export async function askForSecondFactor(call: Call, held: HeldSignIn): Promise<never> {
  const { gateway } = call
  if (held.page) {
    await formStatesOf(gateway, keepBrowserKey(call)).keep(nameOf(held.id), held, SECOND_FACTOR_SECONDS)
    throw new StepDone(`${SECOND_FACTOR_PAGE}?${new URLSearchParams({ t: held.id })}`)
  }
  const page = new URL(SECOND_FACTOR_PAGES[held.device === undefined ? 'sign_in' : 'device'], gateway.issuer).href
  if (held.factors.length === 0)
    throw new GatewayError('mfa_required', { body: { page }, reason: 'no factor is set up' })
  throw new GatewayError('mfa_required', {
    description: `This account asks for a second factor. Send its code with the mfa_token, or finish at ${page}.`,
    body: {
      page,
      mfa_token: gateway.ring.sealJson(SEALED_FOR, held, SEALED_FOR),
      mfa_methods: [...(held.factors.includes('totp') ? ['totp'] : []), 'recovery_code'],
      expires_in: SECOND_FACTOR_SECONDS,
    },
  })
}

const SECOND_FACTOR_PAGES = { sign_in: '/web/login', device: '/oauth/device' } as const

/** Returns the waiting sign-in that this browser began. */
export async function findHeld(call: Call, id: string | undefined): Promise<HeldSignIn | undefined> {
  const browser = browserKey(call)
  return browser && id ? formStatesOf(call.gateway, browser).find<HeldSignIn>(nameOf(id)) : undefined
}

/** Returns the waiting sign-in of an `mfa_token`. @throws GatewayError mfa_expired for any other text */
export function openHeld({ ring }: Gateway, token: string): HeldSignIn {
  const held = ring.openJson<HeldSignIn>(SEALED_FOR, token, SEALED_FOR)
  if (!held) throw new GatewayError('mfa_expired', { reason: 'not an mfa_token' })
  return held
}

/** Forgets the waiting sign-in of this browser once it is complete. */
export async function forgetHeld(call: Call, { id }: HeldSignIn): Promise<void> {
  await afterwards(formStatesOf(call.gateway, keepBrowserKey(call)).forget(nameOf(id)))
}

/** The second factors of a waiting sign-in are for a person who is still active. */
export function demandActive(person: Person | undefined): Person {
  if (!person) throw new GatewayError('mfa_expired', { reason: 'no such person' })
  if (!person.active) throw new GatewayError('account_suspended')
  return person
}
