import type { ConnectionSettings } from '../domain/connection.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { ProviderAccount } from '../people/external-account.ts'
import type { ExternalProfile } from '../people/profile.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { parseEmail } from '../typed/email.ts'
import { askProvider } from './ask.ts'
import { providerError } from './oauth-client.ts'

/** Provider slug of accounts in our own Supabase project, whichever of its providers the person used. */
export const SUPABASE_SLUG = 'supabase'

const SETTINGS: ConnectionSettings = {
  slug: SUPABASE_SLUG,
  name: 'LanOnasis with a password',
  protocol: 'supabase',
  domains: [],
  listed: false,
  id_jag: false,
  logout: false,
  provision: true,
  trust_email: true,
}

/** Our own Supabase project as an identity provider. Addresses it confirmed count as confirmed here. */
export const SUPABASE: ConnectionRow = {
  id: '0195d000-0000-7000-8000-000000003001',
  slug: SUPABASE_SLUG,
  status: 'enabled',
  settings: SETTINGS,
  secret: null,
  keys: [],
  version: 1,
}

/** Returns a user's Supabase account. A mailbox that our own project confirmed counts as confirmed by the gateway. */
export const supabaseAccount = (profile: ExternalProfile, method: 'password' | 'supabase'): ProviderAccount => ({
  ...{ connection: SUPABASE, profile, method },
  ownMailbox: profile.emailVerified,
})

export type SupabaseUser = {
  id: string
  email?: string
  email_confirmed_at?: string | null
  user_metadata?: Record<string, unknown> | null
}

const text = (value: unknown) => (typeof value === 'string' && value ? value.slice(0, 200) : undefined)

const KEPT_MS = 600_000
const kept = new Map<string, { confirms: boolean; until: number }>()

/**
 * Whether the project makes people confirm their address. With automatic confirmation, anyone could use anyone's address. Cached for
 * ten minutes.
 * @throws GatewayError service_unavailable
 */
async function confirmsAddresses(gateway: Gateway): Promise<boolean> {
  const { SUPABASE_URL: base = '', SUPABASE_ANON_KEY: apikey = '' } = gateway.config
  const found = kept.get(base)
  if (found && found.until > Date.now()) return found.confirms
  const unavailable = (cause: unknown) =>
    new GatewayError('service_unavailable', { reason: 'settings of Supabase Auth', cause, retryAfter: 5 })
  const response = await askProvider(gateway)(`${base}/auth/v1/settings`, { headers: { apikey } }).catch((error) => {
    throw unavailable(error)
  })
  if (!response.ok) throw unavailable(response.status)
  const { mailer_autoconfirm } = (await response.json()) as { mailer_autoconfirm?: boolean }
  const confirms = mailer_autoconfirm === false
  kept.set(base, { confirms, until: Date.now() + KEPT_MS })
  return confirms
}

export async function profileOfUser(gateway: Gateway, user: SupabaseUser): Promise<ExternalProfile> {
  const { id, email, email_confirmed_at, user_metadata } = user
  return {
    externalId: id,
    email: parseEmail(email),
    emailVerified: Boolean(email_confirmed_at) && (await confirmsAddresses(gateway)),
    name: text(user_metadata?.full_name) ?? text(user_metadata?.name),
    locale: text(user_metadata?.locale),
  }
}

/** Returns the Supabase Auth URL that redirects to one of its providers (PKCE flow). */
export function supabaseAuthorizeUrl(
  { config }: Gateway,
  { settings }: ConnectionRow,
  request: { callback: string; state: string; challenge: string },
): URL {
  if (!config.SUPABASE_URL) throw providerError('SUPABASE_URL is not set')
  const url = new URL(`${config.SUPABASE_URL}/auth/v1/authorize`)
  const { callback, state, challenge } = request
  url.search = new URLSearchParams({
    provider: settings.supabase_provider ?? '',
    redirect_to: `${callback}?state=${state}`,
    code_challenge: challenge,
    code_challenge_method: 's256',
    ...(settings.scope && { scopes: settings.scope }),
  }).toString()
  return url
}

/** Exchanges the code from Supabase Auth for its user. @throws GatewayError provider_failed */
export async function finishSupabaseFlow(
  gateway: Gateway,
  answer: URLSearchParams,
  verifier: string,
): Promise<ExternalProfile> {
  const { SUPABASE_URL, SUPABASE_ANON_KEY = '' } = gateway.config
  const code = answer.get('code')
  if (!code) throw providerError(`Supabase Auth: ${answer.get('error') ?? 'no code'}`)
  const response = await askProvider(gateway)(`${SUPABASE_URL}/auth/v1/token?grant_type=pkce`, {
    method: 'POST',
    headers: { apikey: SUPABASE_ANON_KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ auth_code: code, code_verifier: verifier }),
  })
  const body = response.ok ? ((await response.json()) as { user?: SupabaseUser }) : undefined
  if (!body?.user?.id) throw providerError(`Supabase Auth: status ${response.status}`)
  return profileOfUser(gateway, body.user)
}
