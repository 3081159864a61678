import { createRemoteJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import { addressKey, networkKey } from '../addresses.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { RateLimit } from '../events/store.ts'
import type { Gateway } from '../gateway.ts'
import type { Effort } from '../limits.ts'
import { mailbox } from '../people/code-address.ts'
import type { ExternalProfile } from '../people/profile.ts'
import { withEffort } from '../sign-in/effort.ts'
import { knownBrowserOf } from '../sign-in/known-browser.ts'
import { sendStep } from '../sign-in/send-code.ts'
import { profileOfUser } from '../sso/supabase-project.ts'
import { countingMailbox, emailLookup } from '../typed/email.ts'

const ALGORITHMS = ['ES256', 'RS256', 'EdDSA']
/** Loaded on first use, to keep cold starts short. */
const library = () => import('./supabase-library.ts')

function projectOf({ config }: Gateway): { url: string; key: string } {
  const { SUPABASE_URL, SUPABASE_ANON_KEY } = config
  if (!SUPABASE_URL || !SUPABASE_ANON_KEY) throw new GatewayError('passwords_disabled')
  return { url: `${SUPABASE_URL}/auth/v1`, key: SUPABASE_ANON_KEY }
}

/** Whether people can sign in with a password here. */
export const hasPasswords = ({ config }: Gateway) => Boolean(config.SUPABASE_URL && config.SUPABASE_ANON_KEY)

/** Returns a Supabase Auth client for one request, which stores no session in this process. */
async function authOf(gateway: Gateway) {
  const { url, key } = projectOf(gateway)
  const { AuthClient } = await library()
  return new AuthClient({
    url,
    headers: { apikey: key },
    persistSession: false,
    autoRefreshToken: false,
    detectSessionInUrl: false,
    fetch: (input, init) => fetch(input, { ...init, redirect: 'error', signal: AbortSignal.timeout(8000) }),
  })
}

const REFUSALS: Record<string, ConstructorParameters<typeof GatewayError>[0]> = {
  invalid_credentials: 'credentials_invalid',
  email_not_confirmed: 'email_not_confirmed',
  user_banned: 'account_suspended',
  weak_password: 'weak_password',
  same_password: 'weak_password',
  validation_failed: 'invalid_request',
  email_address_invalid: 'invalid_email',
  otp_expired: 'recovery_invalid',
  bad_jwt: 'token_invalid',
  session_not_found: 'token_invalid',
  session_expired: 'token_invalid',
  user_not_found: 'token_invalid',
  signup_disabled: 'access_denied',
}

/** Maps an error of Supabase Auth to ours. An outage there is never reported as wrong credentials. */
async function refusalOf(error: unknown): Promise<GatewayError> {
  const { AuthApiError, AuthRetryableFetchError, isAuthError } = await library()
  if (!isAuthError(error) || error instanceof AuthRetryableFetchError || (error.status ?? 500) >= 500)
    return new GatewayError('service_unavailable', { reason: 'Supabase Auth', cause: error, retryAfter: 5 })
  if (error.status === 429) return new GatewayError('rate_limited', { reason: 'Supabase Auth', retryAfter: 60 })
  const refusal = REFUSALS[error.code ?? ''] ?? 'credentials_invalid'
  const description = refusal === 'weak_password' && error instanceof AuthApiError ? error.message : undefined
  return new GatewayError(refusal, { reason: `Supabase Auth: ${error.code ?? error.message}`, description })
}

/**
 * Counts a password attempt before its result is known. Unknown callers share the attempts of an address, and a hundred wrong ones lock
 * them out until a correct one; a browser known to the person has its own attempts.
 * @returns the counters that a correct password resets
 */
async function countTry(call: Call, email: string): Promise<RateLimit[]> {
  const address = emailLookup(email)
  const { limiter } = call.gateway
  const ip = call.request.clientIp
  const knownBy = await knownBrowserOf(call, address)
  const failures = limiter.of('password-failures', countingMailbox(address))
  const limitsOf = (effort: Effort) =>
    knownBy
      ? limiter.of('password-known', knownBy)
      : [
          ...limiter.of('password', countingMailbox(address), effort),
          ...failures,
          ...limiter.of('password-ip', addressKey(ip), effort),
          ...limiter.of('password-net', networkKey(ip), effort),
        ]
  const step = { step: `password ${address}`, limits: async (effort: Effort) => limitsOf(effort) }
  await withEffort(call, step, (effort) => limiter.enforce(limitsOf(effort)))
  return limiter.reset(failures)
}

/**
 * Counts a mail that Supabase Auth sends for a caller, together with the codes and links to that mailbox.
 * @throws GatewayError rate_limited
 */
async function countMail(call: Call, email: string): Promise<void> {
  const to = mailbox(email)
  const step = sendStep(call, to)
  await withEffort(call, step, async (effort) => call.gateway.limiter.enforce(await step.limits(effort)))
}

/**
 * Checks an address and password with Supabase Auth, which stores the passwords.
 * @throws GatewayError credentials_invalid, email_not_confirmed, rate_limited, service_unavailable, passwords_disabled
 */
export async function checkPassword(
  call: Call,
  { email, password }: { email: string; password: string },
): Promise<ExternalProfile> {
  const { gateway } = call
  const auth = await authOf(gateway)
  const emptied = await countTry(call, email)
  const { data, error } = await auth.signInWithPassword({ email, password })
  if (error) throw await refusalOf(error)
  if (!data.user) throw new GatewayError('credentials_invalid')
  await gateway.limiter.hit(emptied)
  // Ends the Supabase session, which is not used.
  call.later(auth.signOut({ scope: 'local' }).catch(() => undefined))
  return profileOfUser(gateway, data.user)
}

/**
 * Signs a person up. The response does not reveal whether the address is known, unless the project confirms no addresses.
 * @returns the profile if the address counts as confirmed immediately
 * @throws GatewayError weak_password, invalid_email, rate_limited, service_unavailable, passwords_disabled
 */
export async function signUp(
  call: Call,
  input: { email: string; password: string; name?: string },
): Promise<ExternalProfile | undefined> {
  const { gateway } = call
  const auth = await authOf(gateway)
  await countMail(call, input.email)
  const { data, error } = await auth.signUp({
    email: input.email,
    password: input.password,
    options: {
      emailRedirectTo: `${gateway.issuer}/web/confirm`,
      data: input.name ? { full_name: input.name } : {},
    },
  })
  if (error && error.code !== 'user_already_exists' && error.code !== 'email_exists') throw await refusalOf(error)
  if (!data?.session || !data.user) return undefined
  return profileOfUser(gateway, data.user)
}

/** Mails a password reset link. The response is the same for every address. */
export async function sendRecovery(call: Call, email: string): Promise<void> {
  const auth = await authOf(call.gateway)
  await countMail(call, email)
  const { error } = await auth.resetPasswordForEmail(email, {
    redirectTo: `${call.gateway.issuer}/web/reset-password`,
  })
  if (error && ((error.status ?? 500) >= 500 || error.status === 429)) throw await refusalOf(error)
}

/**
 * Redeems a link that Supabase Auth mailed, which confirms the address.
 * @param newPassword chosen with a recovery link
 * @throws GatewayError recovery_invalid, weak_password, service_unavailable
 */
export async function followLink(
  gateway: Gateway,
  link: { token_hash: string; type: 'recovery' | 'email' },
  newPassword?: string,
): Promise<ExternalProfile> {
  const auth = await authOf(gateway)
  const { data, error } = await auth.verifyOtp(link)
  if (error) throw await refusalOf(error)
  if (!data.user) throw new GatewayError('recovery_invalid')
  if (newPassword !== undefined) {
    const changed = await auth.updateUser({ password: newPassword })
    if (changed.error) throw await refusalOf(changed.error)
  }
  await auth.signOut({ scope: newPassword === undefined ? 'local' : 'global' }).catch(() => undefined)
  // Having the link proves access to the mailbox.
  return { ...(await profileOfUser(gateway, data.user)), emailVerified: true }
}

const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>()

/** Verifies a token with the project's keys, or with its old shared secret while that is configured. */
async function verified(gateway: Gateway, token: string): Promise<JWTPayload> {
  const { url } = projectOf(gateway)
  const { SUPABASE_JWT_SECRET } = gateway.config
  const rules = { issuer: url, audience: 'authenticated', clockTolerance: 5, requiredClaims: ['sub', 'exp'] }
  const invalid = (cause?: unknown) =>
    new GatewayError('token_invalid', { reason: cause instanceof Error ? cause.message : undefined, cause })
  let alg: string | undefined
  try {
    alg = decodeProtectedHeader(token).alg
  } catch (error) {
    throw invalid(error)
  }
  try {
    if (alg === 'HS256') {
      if (!SUPABASE_JWT_SECRET) throw invalid(new Error('HS256 is not configured'))
      return (await jwtVerify(token, Buffer.from(SUPABASE_JWT_SECRET), { ...rules, algorithms: ['HS256'] })).payload
    }
    const keys =
      keySets.get(url) ?? createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`), { cooldownDuration: 1000 })
    keySets.set(url, keys)
    return (await jwtVerify(token, keys, { ...rules, algorithms: ALGORITHMS })).payload
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const code = (error as { code?: string }).code ?? ''
    if (code === 'ERR_JWKS_TIMEOUT' || !code.startsWith('ERR_J'))
      throw new GatewayError('service_unavailable', { reason: 'keys of Supabase', cause: error, retryAfter: 5 })
    throw invalid(error)
  }
}

/**
 * Returns the profile of a Supabase access token. Its signature is verified here, and Supabase Auth confirms that it is still valid.
 * @throws GatewayError token_invalid, service_unavailable, passwords_disabled
 */
export async function readSupabaseToken(gateway: Gateway, token: string): Promise<ExternalProfile> {
  const claims = await verified(gateway, token)
  if (claims.is_anonymous === true || claims.role !== 'authenticated')
    throw new GatewayError('token_invalid', { reason: 'not a token of a person' })
  const { data, error } = await (await authOf(gateway)).getUser(token)
  if (error) throw await refusalOf(error)
  if (data.user.id !== claims.sub) throw new GatewayError('token_invalid', { reason: 'token of another user' })
  const amr = claims.aal === 'aal2' ? ['mfa'] : undefined
  return { ...(await profileOfUser(gateway, data.user)), amr }
}
