import type { PersonPrincipal } from '../access/authenticate.ts'
import { isForGatewayAlone } from '../access/authority.ts'
import { missingAuthentication } from '../access/step-up.ts'
import type { ApiKeySettings } from '../domain/api-key.ts'
import { isBeyondRole, satisfies } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'

/** Days after which a key ends that an everyday token makes or rotates without naming an end. */
const EVERYDAY_DAYS = 365

/** A key that makes or changes a key is bound by the rule of derivation instead. */
const isBoundByParent = ({ apiKey }: PersonPrincipal) => apiKey !== undefined

/**
 * Whether a credential opens a sensitive door: the session of a browser, or a token of an application of ours that is for this gateway
 * alone, after a recent authentication.
 */
async function isSensitive(gateway: Gateway, principal: PersonPrincipal): Promise<boolean> {
  const { source, family } = principal
  if (source === 'sso_session') return true
  const isOurs = family?.client.first_party === true && isForGatewayAlone(gateway, principal)
  return isOurs && !(await missingAuthentication(gateway, principal))
}

/**
 * Returns when a key ends that names no end, for a credential that makes none without one; undefined where it need not end.
 * @param settings of the key to be
 */
export async function everydayEnd(
  gateway: Gateway,
  principal: PersonPrincipal,
  { expiresAt }: Pick<ApiKeySettings, 'expiresAt'>,
): Promise<{ expiresAt: string; note: string } | undefined> {
  if (expiresAt !== undefined || isBoundByParent(principal) || (await isSensitive(gateway, principal))) return undefined
  return {
    expiresAt: new Date(gateway.now().getTime() + EVERYDAY_DAYS * 86_400_000).toISOString(),
    note: `It expires in ${EVERYDAY_DAYS} days. Make keys that do not expire at /account/api-keys.`,
  }
}

/**
 * Requires a sensitive credential for a key that does not end, or that has scopes of operators and services; of a change, only where
 * the key was not so before.
 * @throws GatewayError insufficient_user_authentication
 */
export async function requireSensitive(
  gateway: Gateway,
  principal: PersonPrincipal,
  settings: ApiKeySettings,
  before?: ApiKeySettings,
): Promise<void> {
  if (isBoundByParent(principal)) return
  const isEndless = settings.expiresAt === undefined && (!before || before.expiresAt !== undefined)
  const isWide = settings.scopes.some((one) => isBeyondRole('user', one) && !satisfies(before?.scopes ?? [], one))
  if ((!isEndless && !isWide) || (await isSensitive(gateway, principal))) return
  const description =
    'Keys without an end or with scopes of operators need a browser, or a recent sign-in for this gateway.'
  throw new GatewayError('insufficient_user_authentication', {
    description,
    headers: {
      'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="${description}"`,
    },
  })
}
