import { looksLikeApiKey } from '../../packages/auth-server/src/api-key-shape.ts'
import type { Call } from '../call.ts'
import { GatewayError, type Refusal } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { SESSION_COOKIE } from '../http/cookies.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import { findSession, isDeadSession, type SignedIn, touchSession } from '../queries/sessions.ts'
import type { Confirmation, DelegatedFamily, PersonFamily, ServiceFamily } from '../queries/token-families.ts'
import { CODE_SECRET_BYTES, hashToken, streamOfToken } from '../tokens/opaque.ts'
import { checkAccessToken } from './access-token.ts'
import { type CheckedKey, checkApiKey, isOwnService, type KeyUseContext } from './check-api-key.ts'
import { refuseForeignPage } from './csrf.ts'
import { projectScope } from './project-scope.ts'
import { checkSenderConstraint, type ForwardedProof, type TokenScheme } from './sender-constraint.ts'

type Proven = {
  credentialId: string
  scope: string[]
  issuedAt?: Date
  /** Undefined for a key that does not expire. */
  expiresAt?: Date
  /** The resources that the credential is for, where it names any. */
  audience?: string[]
  /** What the token is bound to. */
  confirmation?: Confirmation
  projectScope: string
  platform: string
}

/** A person, authenticated by a browser session, a token or an API key. */
export type PersonPrincipal = Proven & {
  kind: 'person'
  person: Person
  source: 'oauth_token' | 'sso_session' | 'api_key' | 'vendor_key'
  session?: SessionFacts
  family?: PersonFamily | DelegatedFamily
  apiKey?: CheckedKey
}

/** A service, authenticated by a client-credentials token. */
export type ServicePrincipal = Proven & {
  kind: 'service'
  source: 'service_token'
  client: Client
  family: ServiceFamily
}

/** Who a request comes from, and the credential that authenticated it. */
export type Principal = PersonPrincipal | ServicePrincipal

export type CredentialKind = 'bearer' | 'api_key' | 'cookie'

function handleOf(value: string | undefined): { sessionId: string; hash: string } | undefined {
  const sessionId = value && streamOfToken(value, CODE_SECRET_BYTES)
  return value && sessionId ? { sessionId, hash: hashToken(value) } : undefined
}

/** The session handle in the request's cookie, for a lookup. */
export function sessionHandle(call: Call): { sessionId: string; hash: string } | undefined {
  return handleOf(call.request.cookies[SESSION_COOKIE])
}

/** The person signed in to this browser, if any. */
export async function browserSession(call: Call): Promise<SignedIn | undefined> {
  const signedIn = await sessionOfHandle(call.gateway, call.request.cookies[SESSION_COOKIE])
  if (!signedIn) await noteDeadSession(call)
  return signedIn
}

/** Makes the response clear the session cookie if its session has ended. Call it when the cookie matched no session. */
export async function noteDeadSession(call: Call): Promise<void> {
  const value = call.request.cookies[SESSION_COOKIE]
  if (!value) return
  const handle = handleOf(value)
  call.notes.sessionIsDead = !handle || (await isDeadSession(call.gateway.reads, handle.sessionId))
}

/** Returns the person and session for the value of a session cookie. */
export async function sessionOfHandle(gateway: Gateway, value: string | undefined): Promise<SignedIn | undefined> {
  const handle = handleOf(value)
  const signedIn = handle && (await findSession(gateway.reads, gateway.personal, handle))
  if (signedIn?.session.activityStale) await touchSession(gateway.reads, signedIn.session.id)
  return signedIn
}

/** The access token in the Authorization header (RFC 6750 section 2.1, RFC 9449 section 7.1; never from the query). */
export function bearerToken(call: Call): string | undefined {
  return /^(?:bearer|dpop) +(\S+)\s*$/i.exec(call.request.header('authorization') ?? '')?.[1]
}

/** The authentication scheme of the request's token. */
export function schemeOf(call: Call): TokenScheme {
  return /^dpop /i.test(call.request.header('authorization') ?? '') ? 'DPoP' : 'Bearer'
}

/** The API key of a request: `X-API-Key`, `Authorization: ApiKey`, a key as bearer token, or a bare `lano_` key. */
export function presentedApiKey(call: Call): string | undefined {
  const authorization = call.request.header('authorization') ?? ''
  const named = /^apikey +(\S+)\s*$/i.exec(authorization)?.[1]
  const bare = /^(?:bearer +)?(\S+)\s*$/i.exec(authorization)?.[1]
  return call.request.header('x-api-key') ?? named ?? (bare && looksLikeApiKey(bare) ? bare : undefined)
}

type Presented = { context?: KeyUseContext; forwarded?: ForwardedProof }

/** @param scheme the authentication scheme; undefined for a token passed by value */
async function byToken(
  call: Call,
  token: string,
  { forwarded, scheme }: Presented & { scheme?: TokenScheme },
): Promise<Principal> {
  const verdict = await checkAccessToken(call.gateway, token)
  if (!verdict.valid) throw new GatewayError(verdict.refusal)
  const { family, claims, scope, audience, confirmation, expiresAt } = verdict
  const usual = confirmation?.jkt ? 'DPoP' : 'Bearer'
  await checkSenderConstraint(call, { token, scheme: scheme ?? usual, confirmation, forwarded })
  const proven = {
    credentialId: family.id,
    issuedAt: new Date((claims.iat ?? 0) * 1000),
    ...{ scope, expiresAt, audience, confirmation },
    projectScope: family.session?.projectScope ?? projectScope(undefined),
    platform: family.session?.platform ?? 'api',
  }
  if (family.kind === 'service')
    return { kind: 'service', source: 'service_token', client: family.client, family, ...proven }
  const { session } = family
  // The holder of a token sees what its client may see; a first-party service that verifies it sees the UAI.
  const person = isOwnService(call) ? { ...family.person, alias: undefined } : family.person
  return { kind: 'person', source: 'oauth_token', person, session, family, ...proven }
}

async function byApiKey(call: Call, presented: string, { context }: Presented): Promise<Principal> {
  const apiKey = await checkApiKey(call, presented, context)
  const { key, person, scope } = apiKey
  return {
    kind: 'person',
    source: presented.startsWith('lano_') ? 'api_key' : 'vendor_key',
    person,
    apiKey,
    credentialId: key.id,
    scope,
    issuedAt: new Date(key.rotated_at ?? key.created_at),
    expiresAt: key.expires_at === null ? undefined : new Date(key.expires_at),
    projectScope: projectScope(call.request.header('x-project-scope')),
    platform: 'api',
  }
}

async function bySession(gateway: Gateway, handle: string | undefined): Promise<Principal | undefined> {
  const signedIn = await sessionOfHandle(gateway, handle)
  if (!signedIn) return undefined
  const { person, session } = signedIn
  return {
    kind: 'person',
    source: 'sso_session',
    person,
    session,
    credentialId: session.id,
    scope: [],
    issuedAt: session.authenticatedAt,
    expiresAt: session.expiresAt,
    projectScope: session.projectScope,
    platform: session.platform,
  }
}

/**
 * Authenticates a credential passed by value. Without a kind, its shape decides: a known prefix is an API key, a dot is in every
 * token, and anything else is a session.
 * @throws GatewayError
 */
export async function principalOf(
  call: Call,
  credential: string,
  { kind, context, forwarded }: Presented & { kind?: CredentialKind } = {},
): Promise<Principal> {
  const shape = looksLikeApiKey(credential) ? 'api_key' : credential.includes('.') ? 'bearer' : 'cookie'
  if ((kind ?? shape) === 'api_key') return byApiKey(call, credential, { context })
  if ((kind ?? shape) === 'bearer') return byToken(call, credential, { forwarded })
  const principal = await bySession(call.gateway, credential)
  if (!principal) throw new GatewayError('invalid_token', { reason: 'unknown session' })
  return principal
}

/**
 * Authenticates a request by the first kind of credential that it carries (docs/wire-contract.md 1.0). An invalid credential is
 * refused, not skipped; only a stale cookie is skipped. A cookie never authorizes a change from a foreign page.
 * @param options.missing the error for a request without any credential
 * @param options.context the use of an API key, where known
 * @param options.forwarded what a resource server saw of the request that carried a bound token
 * @throws GatewayError
 */
export async function authenticate(call: Call, options: Asked = {}): Promise<Principal> {
  const principal = await findPrincipal(call, options)
  const isService = principal.kind === 'service'
  call.notes.caller = {
    uai: isService ? undefined : principal.person.uai,
    clientId: isService ? principal.client.client_id : principal.family?.client.client_id,
    credentialId: principal.credentialId,
  }
  return principal
}

type Asked = Presented & { order?: CredentialKind[]; missing?: Refusal }

async function findPrincipal(call: Call, options: Asked): Promise<Principal> {
  for (const kind of options.order ?? ['bearer', 'api_key', 'cookie']) {
    if (kind === 'bearer') {
      const token = bearerToken(call)
      if (token && !looksLikeApiKey(token)) return byToken(call, token, { ...options, scheme: schemeOf(call) })
    } else if (kind === 'api_key') {
      const presented = presentedApiKey(call)
      if (presented) return byApiKey(call, presented, options)
    } else {
      const principal = await bySession(call.gateway, call.request.cookies[SESSION_COOKIE])
      if (principal) {
        refuseForeignPage(call)
        return principal
      }
      await noteDeadSession(call)
    }
  }
  const ended = sessionHandle(call) !== undefined ? 'session_invalid' : 'token_required'
  throw new GatewayError(options.missing ?? ended)
}

/** Narrows a principal to a person. @throws GatewayError auth_required for a service */
export function asPerson(principal: Principal): PersonPrincipal {
  if (principal.kind === 'person') return principal
  throw new GatewayError('auth_required', { reason: 'a service has no account' })
}
