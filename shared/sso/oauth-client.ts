import { compactVerify, createRemoteJWKSet, customFetch, importPKCS8, SignJWT } from 'jose'
import type { ClientAuth, ClientMetadata, Configuration, ServerMetadata } from 'openid-client'
import type { ConnectionSettings } from '../domain/connection.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { answeredFor, type ExternalProfile, idOf, profileOf } from '../people/profile.ts'
import { parsePresent } from '../present.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { parseEmail } from '../typed/email.ts'
import { askProvider } from './ask.ts'

const library = () => import('./openid-library.ts')

const KEPT_MS = 600_000
const APPLE_SECRET_SECONDS = 300
const ALGORITHMS = ['RS256', 'ES256', 'PS256', 'EdDSA', 'Ed25519', 'ES384', 'RS384', 'PS384', 'ES512', 'RS512', 'PS512']

const kept = new Map<string, { configuration: Configuration; until: number }>()

/** An error on the provider's side, for the log and the page. */
export const providerError = (reason: string, cause?: unknown) => new GatewayError('provider_failed', { reason, cause })

/** Decrypts the client secret of a connection. */
export function secretOf({ ring }: Gateway, { id, secret }: ConnectionRow): string | undefined {
  return secret ? ring.open('connection-secret', secret, id).toString() : undefined
}

/** Apple's client secret is a JWT signed with the key it issued. */
async function appleSecret({ client_id = '', apple, issuer = '' }: ConnectionSettings, key: string): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: apple?.key_id })
    .setIssuer(apple?.team_id ?? '')
    .setSubject(client_id)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime(`${APPLE_SECRET_SECONDS}s`)
    .sign(await importPKCS8(key, 'ES256'))
}

async function authentication(gateway: Gateway, connection: ConnectionRow): Promise<ClientAuth> {
  const client = await library()
  const { auth_method } = connection.settings
  const secret = secretOf(gateway, connection)
  if (!secret || auth_method === 'none') return client.None()
  if (auth_method === 'apple') return client.ClientSecretPost(await appleSecret(connection.settings, secret))
  return auth_method === 'client_secret_post' ? client.ClientSecretPost(secret) : client.ClientSecretBasic(secret)
}

async function discover(gateway: Gateway, connection: ConnectionRow): Promise<Configuration> {
  const client = await library()
  const { protocol, client_id = '', issuer = '', authorization_endpoint = '', ...settings } = connection.settings
  const auth = await authentication(gateway, connection)
  const address = protocol === 'oauth2' ? authorization_endpoint : issuer
  const execute = address.startsWith('http:') ? [client.allowInsecureRequests] : []
  const configure = (server: ServerMetadata, metadata?: Partial<ClientMetadata>) => {
    const configuration = new client.Configuration(server, client_id, metadata, auth)
    configuration[client.customFetch] = askProvider(gateway, server.token_endpoint)
    for (const change of execute) change(configuration)
    return configuration
  }
  if (protocol === 'oauth2') {
    const { token_endpoint, userinfo_endpoint } = settings
    return configure({ issuer: new URL(address).origin, authorization_endpoint, token_endpoint, userinfo_endpoint })
  }
  // Checks that the document names the issuer that was requested (OpenID Connect Discovery section 4.3).
  const options = { [client.customFetch]: askProvider(gateway), execute }
  const server = (await client.discovery(new URL(issuer), client_id, undefined, auth, options)).serverMetadata()
  const { id_token_signing_alg_values_supported: offered = ['RS256'] } = server
  const alg = ALGORITHMS.find((one) => offered.includes(one))
  if (!alg) throw providerError('no usable signing algorithm')
  return configure(server, { id_token_signed_response_alg: alg })
}

/** Returns the configuration of a provider, cached for ten minutes. Apple's client secret is created for each use. */
export async function configurationOf(gateway: Gateway, connection: ConnectionRow): Promise<Configuration> {
  const key = `${gateway.issuer} ${connection.id} ${connection.version}`
  const found = kept.get(key)
  if (found && found.until > Date.now() && connection.settings.auth_method !== 'apple') return found.configuration
  const configuration = await discover(gateway, connection).catch((error: unknown) => {
    if (error instanceof GatewayError) throw error
    throw providerError('discovery', error)
  })
  kept.set(key, { configuration, until: Date.now() + KEPT_MS })
  return configuration
}

const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>()

/** Returns the key set of a provider. An unknown key id reloads it, at most once a second, so that rotations take effect immediately. */
export function keysOf(gateway: Gateway, configuration: Configuration): ReturnType<typeof createRemoteJWKSet> {
  const { jwks_uri: address } = configuration.serverMetadata()
  if (!address) throw providerError('no keys')
  const options = { [customFetch]: askProvider(gateway) as typeof fetch, cooldownDuration: 1000 }
  const keys = keySets.get(address) ?? createRemoteJWKSet(new URL(address), options)
  keySets.set(address, keys)
  return keys
}

/** The members of a request that its response is checked against. */
export type CodeRequest = { callback: string; state: string; nonce: string; verifier: string }

/** Returns the authorization URL for the browser: authorization code with PKCE, state and nonce. */
export async function codeRequestUrl(
  gateway: Gateway,
  connection: ConnectionRow,
  { callback, state, nonce, verifier }: CodeRequest,
  hints: { loginHint?: string },
): Promise<URL> {
  const client = await library()
  const configuration = await configurationOf(gateway, connection)
  const { settings } = connection
  return client.buildAuthorizationUrl(configuration, {
    redirect_uri: callback,
    scope: settings.scope ?? 'openid email profile',
    state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(settings.protocol === 'oidc' && { nonce }),
    ...(settings.auth_method === 'apple' && { response_mode: 'form_post' }),
    ...(hints.loginHint && { login_hint: hints.loginHint }),
  })
}

async function primaryEmail(
  gateway: Gateway,
  address: string,
  accessToken: string,
): Promise<{ email?: string; emailVerified?: boolean }> {
  const response = await askProvider(gateway)(address, { headers: { authorization: `Bearer ${accessToken}` } })
  const emails: unknown = response.ok ? await response.json() : []
  if (!Array.isArray(emails)) return {}
  const primary = emails.find((one) => one?.primary === true)
  const email = parseEmail(primary?.email)
  return email ? { email, emailVerified: primary.verified === true } : {}
}

/**
 * Exchanges the provider's response for a profile. The library checks code, state, issuer, nonce and the claims of an ID token; its
 * signature is checked here.
 * @throws GatewayError provider_denied, provider_failed
 * @see OpenID Connect Core section 3.1.3.7, RFC 9207 section 2.4
 */
export async function finishCodeRequest(
  gateway: Gateway,
  connection: ConnectionRow,
  { state, nonce, verifier }: CodeRequest,
  answer: URL,
): Promise<ExternalProfile> {
  const client = await library()
  const configuration = await configurationOf(gateway, connection)
  const { protocol, subject_member, emails_endpoint, userinfo_endpoint } = connection.settings
  const isOidc = protocol === 'oidc'
  try {
    const tokens = await client.authorizationCodeGrant(configuration, answer, {
      expectedState: state,
      pkceCodeVerifier: verifier,
      ...(isOidc && { expectedNonce: nonce, idTokenExpected: true }),
    })
    if (isOidc) {
      const { id_token_signed_response_alg: alg = 'RS256' } = configuration.clientMetadata()
      const idToken = String(tokens.received_id_token)
      const { payload } = await compactVerify(idToken, keysOf(gateway, configuration), { algorithms: [alg] })
      const claims = parsePresent(new TextDecoder().decode(payload)) as Record<string, unknown>
      const profile = profileOf(claims)
      if (!profile) throw providerError('no subject')
      const upstream = { account: profile.externalId, session: idOf(claims.sid), idToken }
      return answeredFor(claims.iss, { ...profile, upstream }, claims.hd)
    }
    const response = await askProvider(gateway)(userinfo_endpoint ?? '', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    const profile = response.ok ? profileOf(await response.json(), subject_member) : undefined
    if (!profile) throw providerError(`profile: status ${response.status}`)
    return emails_endpoint
      ? { ...profile, ...(await primaryEmail(gateway, emails_endpoint, tokens.access_token)) }
      : profile
  } catch (error) {
    if (error instanceof GatewayError) throw error
    if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied')
      throw new GatewayError('provider_denied', { reason: error.error_description })
    throw providerError(error instanceof Error ? `${error.message} ${String(error.cause ?? '')}` : 'unknown', error)
  }
}

/** Returns the sign-out URL at the provider, if it has one (OpenID Connect RP-Initiated Logout). */
export async function providerLogoutUrl(
  gateway: Gateway,
  connection: ConnectionRow,
  input: { idToken?: string; returnTo: string },
): Promise<URL | undefined> {
  const client = await library()
  const configuration = await configurationOf(gateway, connection)
  if (!configuration.serverMetadata().end_session_endpoint) return undefined
  return client.buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: input.returnTo,
    ...(input.idToken && { id_token_hint: input.idToken }),
  })
}
