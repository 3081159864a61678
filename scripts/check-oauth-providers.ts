import { parseArgs } from 'node:util'
import type { Gateway } from '../shared/gateway.ts'
import { type ConnectionRow, listConnections } from '../shared/queries/connections.ts'
import { askProvider } from '../shared/sso/ask.ts'
import { configurationOf, secretOf } from '../shared/sso/oauth-client.ts'
import { withGateway } from './lib/operator.ts'
import { run, runAsProgram, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `node scripts/check-oauth-providers.mjs [<slug>] [--json]

Tells for each configured connection whether discovery, keys, client credentials and callback are right. Nobody signs in: the provider is
shown a code that it never issued, and how it refuses tells what it thinks of the client.
Exit code 0: all right, 1: something is wrong, 2: wrong usage.`

const CHECKS = ['discovery', 'keys', 'credentials', 'callback'] as const
type Check = (typeof CHECKS)[number]
type Verdict = { ok: boolean; detail: string } | undefined
export type Checked = { slug: string; status: string; protocol: string } & Record<Check, Verdict>

const right = (detail: string) => ({ ok: true, detail })
const wrong = (detail: unknown) => ({
  ok: false,
  detail: (detail instanceof Error ? causeOf(detail) : String(detail)).slice(0, 200),
})

function causeOf(error: Error): string {
  const { reason } = (error as { options?: { reason?: string } }).options ?? {}
  const inner = error.cause instanceof Error ? causeOf(error.cause) : undefined
  return [reason ?? error.message, inner].filter(Boolean).join(': ')
}

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
  if (auth_method === 'apple') return right('the key is there; Apple says no more without a code')
  const response = await askProvider(gateway)(endpoint, { method: 'POST', headers, body: form })
  const answer = await response.json().catch(() => ({}))
  const error = String(answer.error ?? '')
  if (/invalid_client|unauthorized_client|incorrect_client_credentials/.test(error) || response.status === 401)
    return wrong(error || `status ${response.status}`)
  return /invalid_grant|bad_verification_code|invalid_request/.test(error)
    ? right('the client is known')
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

async function check(gateway: Gateway, connection: ConnectionRow): Promise<Checked> {
  const { slug, status, settings } = connection
  const { protocol } = settings
  const callback = `${gateway.issuer}/v1/auth/oauth/callback/${slug}`
  const verdicts: Record<Check, Verdict> = {
    discovery: undefined,
    keys: undefined,
    credentials: undefined,
    callback: undefined,
  }
  if (protocol === 'oidc' || protocol === 'oauth2') {
    verdicts.discovery = await attempt(async () => {
      const server = (await configurationOf(gateway, connection)).serverMetadata()
      return right(server.issuer)
    })
    if (verdicts.discovery?.ok) {
      if (protocol === 'oidc')
        verdicts.keys = await attempt(async () =>
          checkKeys(gateway, (await configurationOf(gateway, connection)).serverMetadata().jwks_uri),
        )
      verdicts.credentials = await attempt(() => checkCredentials(gateway, connection, callback))
      verdicts.callback = await attempt(() => checkCallback(gateway, connection, callback))
    }
  } else if (protocol === 'saml') {
    verdicts.discovery = await attempt(async () => {
      const response = await askProvider(gateway)(settings.saml?.entry_point ?? '', {
        headers: { accept: 'text/html' },
      })
      return response.status < 500 ? right(settings.saml?.entry_point ?? '') : wrong(`status ${response.status}`)
    })
    verdicts.keys = right(`${settings.saml?.certificates.length ?? 0} certificates`)
  } else if (protocol === 'supabase') {
    const base = gateway.config.SUPABASE_URL
    verdicts.discovery = base
      ? await attempt(async () => {
          const headers = { apikey: gateway.config.SUPABASE_ANON_KEY ?? '' }
          const response = await askProvider(gateway)(`${base}/auth/v1/settings`, { headers })
          const { external = {} } = response.ok ? await response.json() : {}
          const name = settings.supabase_provider ?? ''
          return external[name]
            ? right(`${name} is enabled there`)
            : wrong(`status ${response.status}: ${name} is not enabled there`)
        })
      : wrong('SUPABASE_URL is not set')
  }
  return { slug, status, protocol, ...verdicts }
}

const sign = (verdict: Verdict) => (verdict ? (verdict.ok ? 'ok' : 'WRONG') : '-')

async function command(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' } },
  })
  if (positionals.length > 1) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  return withGateway(terminal, async (gateway) => {
    const all = await listConnections(gateway.reads)
    const wanted = positionals[0] ? all.filter(({ slug }) => slug === positionals[0]) : all
    if (positionals[0] && wanted.length === 0) throw new UsageError(`There is no connection "${positionals[0]}"`)
    const results = await Promise.all(wanted.map((one) => check(gateway, one)))
    const faults = results.flatMap((one) =>
      CHECKS.flatMap((name) => (one[name]?.ok === false ? [`${one.slug}: ${name}: ${one[name]?.detail}`] : [])),
    )
    if (flags.json) terminal.out(JSON.stringify(results, null, 2))
    else {
      const rows = results.map((one) => ({
        connection: one.slug,
        status: one.status,
        protocol: one.protocol,
        ...Object.fromEntries(CHECKS.map((name) => [name, sign(one[name])])),
      }))
      terminal.out(table(rows as Record<string, string>[]) || 'no connections yet: npm run connections -- add')
      for (const fault of faults) terminal.err(fault)
    }
    return faults.length > 0 ? 1 : 0
  })
}

/** Operator command: whether the identity providers that are connected can be signed in with. */
export const checkProviders = (args: string[], terminal: Terminal) =>
  args.length === 0 ? run(command, USAGE, ['--'], terminal) : run(command, USAGE, args, terminal)

await runAsProgram(import.meta.url, checkProviders)
