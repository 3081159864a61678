import { GatewayError, type Refusal } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { readCookie, SESSION_COOKIE } from '../http/cookies.ts'
import { familyOfAccessToken } from '../oauth/token-response.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import { findSession, type SignedIn, touchSession } from '../queries/sessions.ts'
import { type Family, findFamily } from '../queries/token-families.ts'
import { CODE_SECRET_BYTES, hashToken, streamOfToken } from '../tokens/opaque.ts'

const API_KEY = /^(lano|vx|lns|lms|pk|sk)_/

/** Who a request was proven to be, and by what. */
export type Principal = {
  person: Person
  session: SessionFacts
  family?: Family
  source: 'oauth_token' | 'sso_session'
  credentialId: string
  scope: string[]
  expiresAt: Date
}

export type CredentialKind = 'bearer' | 'api_key' | 'cookie'

/** The browser session's handle of a request, for a look-up. */
export function sessionHandle(c: AppContext): { sessionId: string; hash: string } | undefined {
  const handle = readCookie(c, SESSION_COOKIE)
  const sessionId = handle && streamOfToken(handle, CODE_SECRET_BYTES)
  return handle && sessionId ? { sessionId, hash: hashToken(handle) } : undefined
}

/** The person signed in at this browser, if any. */
export async function browserSession(gateway: Gateway, c: AppContext): Promise<SignedIn | undefined> {
  const handle = sessionHandle(c)
  const signedIn = handle && (await findSession(gateway.reads, gateway.personal, handle))
  if (signedIn?.session.unseen) await touchSession(gateway.reads, signedIn.session.id)
  return signedIn
}

/** The bearer token of a request (RFC 6750 section 2.1; never from the query). */
export function bearerToken(c: AppContext): string | undefined {
  return /^bearer +(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1]
}

export type TokenVerdict =
  | { valid: true; family: Family; claims: Record<string, unknown>; expiresAt: Date }
  | { valid: false; refusal: Refusal }

/** The person as the bearer of a token may know them: other people's applications need the scope for address and name. */
function knownTo({ client, person }: Family, scope: string[]): Person {
  if (client.first_party) return person
  return {
    ...person,
    email: scope.includes('email') ? person.email : '',
    name: scope.includes('profile') ? person.name : undefined,
  }
}

/** Whether an access token stands: genuine, unexpired, and nothing it depends on has been revoked. One statement. */
export async function checkAccessToken(gateway: Gateway, token: string): Promise<TokenVerdict> {
  const claims = await gateway.jwts.readAccessToken(token)
  const familyId = claims?.jti && familyOfAccessToken(claims.jti)
  if (!claims || !familyId) return { valid: false, refusal: 'invalid_token' }
  const { family, jtiRevoked } = await findFamily(gateway.reads, gateway.personal, { familyId, jti: claims.jti })
  if (!family?.live || jtiRevoked || family.person.uai !== claims.sub)
    return { valid: false, refusal: 'session_invalid' }
  const person = knownTo(family, String(claims.scope ?? '').split(' '))
  return { valid: true, family: { ...family, person }, claims, expiresAt: new Date((claims.exp ?? 0) * 1000) }
}

async function byBearer(gateway: Gateway, token: string, audience: string[] | undefined): Promise<Principal> {
  if (API_KEY.test(token)) throw new GatewayError('api_key_invalid')
  const verdict = await checkAccessToken(gateway, token)
  if (!verdict.valid) throw new GatewayError(verdict.refusal)
  const { family, claims, expiresAt } = verdict
  const aud = [claims.aud].flat()
  if (audience && !audience.some((one) => aud.includes(one)))
    throw new GatewayError('invalid_token', { reason: 'token for another resource' })
  return {
    person: family.person,
    session: family.session,
    family,
    source: 'oauth_token',
    credentialId: family.id,
    scope: String(claims.scope ?? '')
      .split(' ')
      .filter(Boolean),
    expiresAt,
  }
}

async function byCookie(gateway: Gateway, c: AppContext): Promise<Principal | undefined> {
  const signedIn = await browserSession(gateway, c)
  if (!signedIn) return undefined
  const { person, session } = signedIn
  return {
    person,
    session,
    source: 'sso_session',
    credentialId: session.id,
    scope: [],
    expiresAt: session.expiresAt,
  }
}

/**
 * Finds the principal of a request by the first kind of credential that it carries (wire-contract 1.0). A credential that is
 * presented and bad is refused, not passed over; only a stale cookie is.
 * @param options.missing what a request without any credential is refused with
 * @param options.audience resources one of which a bearer token must be for
 * @throws GatewayError
 */
export async function authenticate(
  gateway: Gateway,
  c: AppContext,
  options: { order?: CredentialKind[]; missing?: Refusal; audience?: string[] } = {},
): Promise<Principal> {
  for (const kind of options.order ?? ['bearer', 'api_key', 'cookie']) {
    if (kind === 'bearer') {
      const token = bearerToken(c)
      if (token) return byBearer(gateway, token, options.audience)
    } else if (kind === 'api_key') {
      const presented = c.req.header('x-api-key') ?? /^apikey +(\S+)/i.exec(c.req.header('authorization') ?? '')?.[1]
      if (presented) throw new GatewayError('api_key_invalid')
    } else {
      const principal = await byCookie(gateway, c)
      if (principal) return principal
    }
  }
  const ended = sessionHandle(c) !== undefined ? 'session_invalid' : 'token_required'
  throw new GatewayError(options.missing ?? ended)
}
