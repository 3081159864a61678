import type { PersonPrincipal } from '../access/authenticate.ts'
import { isForGatewayAlone } from '../access/authority.ts'
import { missingAuthentication } from '../access/step-up.ts'
import type { ApiKeySettings } from '../domain/api-key-settings.ts'
import { isBeyondRole, satisfies } from '../domain/scopes.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'

/** Default lifetime, in days, of a key that an everyday token creates or rotates. */
const EVERYDAY_DAYS = 365

/** For a key as the credential, the derivation rule applies instead. */
const isBoundByParent = ({ apiKey }: PersonPrincipal) => apiKey !== undefined

/**
 * Whether a credential allows sensitive actions: a browser session, or a recently authenticated token of our own application for this
 * gateway only.
 */
async function isSensitive(gateway: Gateway, principal: PersonPrincipal): Promise<boolean> {
  const { source, family } = principal
  if (source === 'sso_session') return true
  const isOurs = family?.client.first_party === true && isForGatewayAlone(gateway, principal)
  return isOurs && !(await missingAuthentication(gateway, principal))
}

/**
 * Returns the expiry of a key without one, for a credential that requires it; undefined if it need not expire.
 * @param settings of the new key
 */
export async function everydayEnd(
  gateway: Gateway,
  principal: PersonPrincipal,
  { expiresAt }: Pick<ApiKeySettings, 'expiresAt'>,
): Promise<{ expiresAt: string; note: string } | undefined> {
  if (expiresAt !== undefined || isBoundByParent(principal) || (await isSensitive(gateway, principal))) return undefined
  return {
    expiresAt: new Date(gateway.now().getTime() + EVERYDAY_DAYS * 86_400_000).toISOString(),
    note: `It expires in ${EVERYDAY_DAYS} days. Create keys that do not expire at /account/api-keys.`,
  }
}

/**
 * Requires a sensitive credential for a key that does not expire, or that has scopes of operators and services; for a change, only if
 * the key did not have these before.
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
    'Keys without an expiry or with operator scopes need a browser, or a recent sign-in for this gateway.'
  throw new GatewayError('insufficient_user_authentication', {
    description,
    headers: {
      'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="${description}"`,
    },
  })
}
