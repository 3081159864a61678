import { passkeysAreOn } from '../config.ts'
import { ACR, isRecent, RECENT_SECONDS } from '../domain/authentication.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { hasAuthenticator } from '../queries/factors.ts'
import type { Person, SessionFacts } from '../queries/person.ts'

/** Whether the person recently used their authenticator app or a passkey in this session, which may have begun with the passkey. */
function isSteppedUp({ steppedUpAt, acr, authenticatedAt }: SessionFacts, now: Date): boolean {
  return isRecent(steppedUpAt, now) || (acr === ACR.phishingResistant && isRecent(authenticatedAt, now))
}

/** Whether an operator must use a passkey. */
export const needsPasskey = ({ config }: Pick<Gateway, 'config'>, { role }: Pick<Person, 'role'>): boolean =>
  passkeysAreOn(config) &&
  (config.OPERATOR_PASSKEYS === 'always' || (config.OPERATOR_PASSKEYS === 'platform' && role === 'platform_admin'))

/** Returns the factor that an operator still has to use: recently any, or a passkey. */
export function missingFactor(
  gateway: Pick<Gateway, 'config' | 'now'>,
  { person, session }: { person: Person; session?: SessionFacts },
): 'step_up' | 'passkey' | undefined {
  const isRecentlyProven = session && isSteppedUp(session, gateway.now())
  if (!needsPasskey(gateway, person)) return isRecentlyProven ? undefined : 'step_up'
  return isRecentlyProven && session.acr === ACR.phishingResistant ? undefined : 'passkey'
}

/** Whether the person may change their factors: recently stepped up, or recently signed in while they have neither app nor passkey. */
function mayChangeFactors(current: SessionFacts, isEnrolled: boolean, now: Date): boolean {
  if (isSteppedUp(current, now) || isRecent(current.recoveredAt, now)) return true
  return !isEnrolled && isRecent(current.authenticatedAt, now)
}

/** The page that asks for a factor, which returns to `returnTo`. @param need `passkey` if no other factor will do */
export const stepUpUrl = (returnTo: string, need?: 'passkey') =>
  `/web/step-up?${new URLSearchParams({ ...(need && { need }), return_to: returnTo })}`

/** Returns the authentication still required before the person may change their factors. */
export async function missingAuthentication(
  { reads, now }: Gateway,
  { person, session: current }: { person: Person; session?: SessionFacts },
): Promise<'sign_in' | 'step_up' | undefined> {
  const isEnrolled = await hasAuthenticator(reads, person)
  if (current && mayChangeFactors(current, isEnrolled, now())) return undefined
  return isEnrolled ? 'step_up' : 'sign_in'
}

/** The page for the missing authentication, which returns to `returnTo`. */
export const authenticationUrl = (missing: 'sign_in' | 'step_up', returnTo: string) =>
  missing === 'step_up'
    ? stepUpUrl(returnTo)
    : `/web/login?${new URLSearchParams({ prompt: 'login', return_to: returnTo })}`

/** Returns the error that asks a client to reauthenticate its user (RFC 9470 section 3). */
export function stepUpNeeded(missing: 'sign_in' | 'step_up' | 'passkey' = 'step_up'): GatewayError {
  const [what, acr] = {
    sign_in: ['Please sign in again first.', ''],
    step_up: ['A new code from the authenticator app is required.', `, acr_values="${ACR.multiFactor}"`],
    passkey: ['A passkey is required.', `, acr_values="${ACR.phishingResistant}"`],
  }[missing]
  return new GatewayError('insufficient_user_authentication', {
    description: what,
    headers: {
      'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="${what}"${acr}, max_age="${RECENT_SECONDS}"`,
    },
  })
}

/**
 * Requires a recent authentication, with the authenticator app or a passkey if the person has one.
 * @throws GatewayError insufficient_user_authentication
 */
export async function demandRecentAuthentication(
  gateway: Gateway,
  by: Parameters<typeof missingAuthentication>[1],
): Promise<void> {
  const missing = await missingAuthentication(gateway, by)
  if (missing) throw stepUpNeeded(missing)
}
