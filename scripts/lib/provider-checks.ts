import type { PublicJwk } from '../../shared/domain/api-client.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { newId } from '../../shared/ids.ts'
import { keyProblem } from '../../shared/oauth/clients/client-metadata.ts'
import type { ConnectionRow } from '../../shared/queries/connections.ts'
import { askProvider } from '../../shared/sso/ask.ts'
import { callHook } from '../../shared/sso/call-hook.ts'
import { configurationOf, secretOf } from '../../shared/sso/oauth-client.ts'
import { causeOf } from './doctor/check.ts'
import { lastCertificateEnd } from './doctor/providers.ts'

export const CHECKS = ['discovery', 'keys', 'credentials', 'callback'] as const
type Check = (typeof CHECKS)[number]
export type Verdict = { ok: boolean; detail: string } | undefined
type Verdicts = Partial<Record<Check, Verdict>>
export type Checked = { slug: string; status: string; protocol: string } & Record<Check, Verdict>

const right = (detail: string) => ({ ok: true, detail })
const wrong = (detail: unknown) => ({
  ok: false,
  detail: (detail instanceof Error ? causeOf(detail) : String(detail)).slice(0, 200),
})

const attempt = (work: () => Promise<Verdict>): Promise<Verdict> => work().catch(wrong)

async function checkKeys(gateway: Gateway, address: string | undefined): Promise<Verdict> {
  if (!address) return wrong('no jwks_uri')
  const response = await askProvider(gateway)(address)
  const { keys = [] } = response.ok ? await response.json() : {}
  const usable = keys.filter((key: { kty?: string; use?: string }) => key.kty !== 'oct' && key.use !== 'enc')
  return usable.length > 0 ? right(`${usable.length} keys`) : wrong(`status ${response.status}, no usable key`)
}

/** A provider refuses a made-up code as `invalid_grant` once it knows the client, and as `invalid_client` if it does not. */
async function checkCredentials(gateway: Gateway, connection: ConnectionRow, callback: string): Promise<Verdict> {
  const { auth_method, client_id = '' } = connection.settings
  const secret = secretOf(gateway, connection)
  if (auth_method !== 'none' && !secret) return wrong('there is no client secret')
  const configuration = await configurationOf(gateway, connection)
  const { token_endpoint: endpoint = '' } = configuration.serverMetadata()
  const isBasic = auth_method === undefined || auth_method === 'client_secret_basic'
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: 'a-code-that-was-never-issued',
    redirect_uri: callback,
    code_verifier: 'v'.repeat(43),
  })
  if (!isBasic || !secret) form.set('client_id', client_id)
  if (auth_method === 'client_secret_post' && secret) form.set('client_secret', secret)
  const pair = `${encodeURIComponent(client_id)}:${encodeURIComponent(secret ?? '')}`
  const headers = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    ...(isBasic && secret && { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }),
  }
  if (auth_method === 'apple') return right('the key is configured; Apple does not answer without a code')
  const response = await askProvider(gateway)(endpoint, { method: 'POST', headers, body: form })
  const answer = await response.json().catch(() => ({}))
  const error = String(answer.error ?? '')
  if (/invalid_client|unauthorized_client|incorrect_client_credentials/.test(error) || response.status === 401)
    return wrong(error || `status ${response.status}`)
  return /invalid_grant|bad_verification_code|invalid_request/.test(error)
    ? right('the provider accepts the client')
    : wrong(error || `status ${response.status}`)
}

/** A provider shows its sign-in page for a callback that is registered with it, and an error page otherwise. */
async function checkCallback(gateway: Gateway, connection: ConnectionRow, callback: string): Promise<Verdict> {
  const configuration = await configurationOf(gateway, connection)
  const url = new URL(configuration.serverMetadata().authorization_endpoint ?? '')
  const { client_id = '', scope = 'openid' } = connection.settings
  url.search = new URLSearchParams({
    client_id,
    scope,
    response_type: 'code',
    redirect_uri: callback,
    state: 's',
    nonce: 'n',
    code_challenge: 'c'.repeat(43),
    code_challenge_method: 'S256',
  }).toString()
  const response = await askProvider(gateway)(url, { headers: { accept: 'text/html' } })
  const target = response.headers.get('location') ?? ''
  const refused = response.status >= 400 || /redirect_uri_mismatch|error=invalid_request/.test(target)
  return refused ? wrong(`status ${response.status}: is ${callback} registered there?`) : right(callback)
}

async function checkCodeFlow(gateway: Gateway, connection: ConnectionRow): Promise<Verdicts> {
  const callback = `${gateway.issuer}/v1/auth/oauth/callback/${connection.slug}`
  const metadata = async () => (await configurationOf(gateway, connection)).serverMetadata()
  const discovery = await attempt(async () => right((await metadata()).issuer))
  if (!discovery?.ok) return { discovery }
  const isOidc = connection.settings.protocol === 'oidc'
  return {
    discovery,
    keys: isOidc ? await attempt(async () => checkKeys(gateway, (await metadata()).jwks_uri)) : undefined,
    credentials: await attempt(() => checkCredentials(gateway, connection, callback)),
    callback: await attempt(() => checkCallback(gateway, connection, callback)),
  }
}

function checkCertificates(certificates: string[], allowSha1 = false): Verdict {
  const last = lastCertificateEnd(certificates)
  const weak = allowSha1 ? '; SHA-1 signatures are accepted' : ''
  const text = `${certificates.length} certificates, valid until ${last.toISOString().slice(0, 10)}${weak}`
  return last > new Date() ? right(text) : wrong(text)
}

async function checkSaml(gateway: Gateway, { settings: { saml } }: ConnectionRow): Promise<Verdicts> {
  const entryPoint = saml?.entry_point ?? ''
  return {
    discovery: await attempt(async () => {
      const { status } = await askProvider(gateway)(entryPoint, { headers: { accept: 'text/html' } })
      return status < 500 ? right(entryPoint) : wrong(`status ${status}`)
    }),
    keys: await attempt(async () => checkCertificates(saml?.certificates ?? [], saml?.allow_sha1)),
  }
}

async function checkSupabase(gateway: Gateway, { settings }: ConnectionRow): Promise<Verdicts> {
  const { SUPABASE_URL: base, SUPABASE_ANON_KEY: apikey = '' } = gateway.config
  if (!base) return { discovery: wrong('SUPABASE_URL is not set') }
  const { supabase_provider: name = '' } = settings
  let credentials: Verdict
  const discovery = await attempt(async () => {
    const response = await askProvider(gateway)(`${base}/auth/v1/settings`, { headers: { apikey } })
    credentials = response.ok ? right('the key is accepted') : wrong(`status ${response.status}`)
    const { external = {} } = response.ok ? await response.json() : {}
    return external[name] ? right(`${name} is enabled there`) : wrong(`${name} is not enabled there`)
  })
  return { discovery, credentials }
}

/** Sends a custom provider a message of the type check; its answer shows whether it is reachable and accepts our signature. */
async function checkHook(gateway: Gateway, connection: ConnectionRow): Promise<Verdicts> {
  const { url = '', public_jwk } = connection.settings.hook ?? {}
  const [id, secret] = [newId(), secretOf(gateway, connection)]
  const problem = keyProblem((public_jwk ?? {}) as PublicJwk)
  const keys = problem ? wrong(problem) : right('the key is valid')
  if (!secret) return { keys, credentials: wrong('there is no secret') }
  const message = { type: 'check', id, timestamp: new Date().toISOString(), data: {} }
  const answer = await callHook(gateway, { url, secret, id, message })
  const failure = answer.answered ? '' : answer.failure
  const status = Number(/^status_(\d+)$/.exec(failure)?.[1] ?? 0)
  const isReachable = ['', 'no_json', 'no_object'].includes(failure) || (status > 0 && status < 500)
  if (!isReachable) return { discovery: wrong(failure), keys }
  const refused = status === 401 || status === 403
  const credentials = refused
    ? wrong(`status ${status}: is the secret the same there?`)
    : right('the signature was not refused')
  return { discovery: right(url), keys, credentials }
}

const CHECK_OF = {
  ...{ oidc: checkCodeFlow, oauth2: checkCodeFlow },
  ...{ saml: checkSaml, supabase: checkSupabase, hook: checkHook },
}

/** Checks a connection as far as that is possible without a sign-in. */
export async function checkConnection(gateway: Gateway, connection: ConnectionRow): Promise<Checked> {
  const { slug, status, settings } = connection
  const none = { discovery: undefined, keys: undefined, credentials: undefined, callback: undefined }
  return {
    slug,
    status,
    protocol: settings.protocol,
    ...none,
    ...(await CHECK_OF[settings.protocol](gateway, connection)),
  }
}
