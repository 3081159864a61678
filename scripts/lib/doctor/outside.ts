import { randomUUID } from 'node:crypto'
import { dashboardUrl } from '../../../shared/config.ts'
import { createSigner } from '../../../shared/delivery/sign.ts'
import type { Gateway } from '../../../shared/gateway.ts'
import { listSigningKeys } from '../../../shared/queries/signing-keys.ts'
import { type Checked, type Finding, get, look, ok, warning, wrong } from './check.ts'
import { checkSupabaseProjects } from './supabase.ts'

const MOST_SKEW_SECONDS = 30
/** The functions of `supabase/functions` that take signed messages. */
export const EDGE_FUNCTIONS = ['send-magic-link', 'send-notice-email', 'send-otp-email', 'send-otp-sms']
const DISCOVERY = '/.well-known/openid-configuration'

const checkIssuer = ({ issuer }: Gateway) =>
  look('issuer', `Make AUTH_BASE_URL lead to the gateway`, async () => {
    const response = await get(issuer + DISCOVERY)
    if (!response.ok) return wrong(`${DISCOVERY} answers ${response.status}`, 'Make AUTH_BASE_URL lead to the gateway')
    const metadata = await response.json()
    if (metadata.issuer !== issuer)
      return wrong(`the gateway there has the issuer ${metadata.issuer}`, `Set AUTH_BASE_URL there to ${issuer}`)
    const skew = Math.abs(Date.now() - Date.parse(response.headers.get('date') ?? new Date().toUTCString())) / 1000
    if (skew > MOST_SKEW_SECONDS) return wrong(`its clock is ${Math.round(skew)} s off`, 'Sync the system clock by NTP')
    if (issuer.startsWith('https:') && !response.headers.has('strict-transport-security'))
      return warning(`${issuer}, without Strict-Transport-Security`, 'The proxy removes a header of the gateway')
    return ok(issuer)
  })

const checkServing = ({ issuer }: Gateway) =>
  look('serving', 'Start the gateway', async () => {
    const response = await get(`${issuer}/ready`)
    const { checks = {} } = await response.json().catch(() => ({}))
    const failing = Object.entries(checks as Record<string, { status: string; reason?: string }>).filter(
      ([, { status }]) => status === 'fail',
    )
    return response.ok
      ? ok('/ready answers 200')
      : wrong(
          `/ready answers ${response.status}: ${failing.map(([name, { reason }]) => `${name} ${reason}`).join(', ')}`,
          'See its log',
        )
  })

// The key set of the running gateway comes from this database.
const checkPublishedKeys = ({ issuer, reads }: Gateway) =>
  look('key set', 'Set DATABASE_URL of that gateway to the one that is set here', async () => {
    const ours = (await listSigningKeys(reads)).filter(({ resource_id }) => resource_id === null)
    const { keys: theirs } = (await (await get(`${issuer}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[]
    }
    const missing = ours.filter(({ kid }) => !theirs.some((key) => key.kid === kid))
    return missing.length > 0
      ? wrong(
          `${missing.length} of ${ours.length} keys are not published there`,
          'Use the same database there and wait 5 minutes',
        )
      : ok(`${ours.length} keys`)
  })

/** Checks whether browsers will keep the cookies that the gateway sets. */
export function judgeCookies(issuer: string, domain: string | undefined, dashboard: string | undefined): Finding {
  const host = new URL(issuer).hostname
  const bare = domain?.replace(/^\./, '').toLowerCase()
  const within = (name: string) => name === bare || name.endsWith(`.${bare}`)
  if (bare && !within(host))
    return wrong(
      `COOKIE_DOMAIN ${domain} is not a parent of ${host}`,
      'Set it to a parent of the host in AUTH_BASE_URL, or unset it',
    )
  if (!issuer.startsWith('https:')) return warning('not Secure', 'Serve the gateway over https')
  const other = dashboard ? new URL(dashboard).hostname : host
  if (bare ? !within(other) : other !== host)
    return warning(`${other} does not get them`, 'Set COOKIE_DOMAIN to a parent of both, if it should')
  return ok(domain ?? `${host} alone`)
}

const EDGE_FIXES: Record<string, string> = {
  replay_guard_unavailable: 'See its log for why the database of REPLAY_GUARD does not answer',
  signature_invalid: 'Set the same OTP_WEBHOOK_SECRET there',
  misconfigured: 'Set the secrets that its log names',
}

// A message of the type probe shows whether the function accepts signatures made here.
const checkEdgeFunction = ({ config }: Gateway, name: string) =>
  look(`function ${name}`, `supabase functions deploy ${name}, and set SUPABASE_FUNCTIONS_URL`, async () => {
    const body = '{"type":"probe"}'
    const headers = createSigner(config.OTP_WEBHOOK_SECRET, () => new Date())(randomUUID(), body)()
    const response = await get(`${config.SUPABASE_FUNCTIONS_URL}/${name}`, { method: 'POST', headers, body })
    const { error, probe, replay_guard: guard } = await response.json().catch(() => ({}))
    if (probe === 'ok') return ok(`accepts messages that are signed here, replay guard ${guard}`)
    const code = error?.code ?? `status ${response.status}`
    const deploy = `supabase functions deploy ${name}`
    if (code === 'payload_invalid')
      return warning('accepts messages that are signed here, but does not know the probe', deploy)
    return wrong(code, EDGE_FIXES[code] ?? deploy)
  })

async function checkProxies({ config }: Gateway): Promise<Checked[]> {
  const { MTLS_BASE_URL, MTLS_PROXY_SECRET, CLIENT_IP_HEADER, mode } = config
  const found: Checked[] = []
  if (Boolean(MTLS_BASE_URL) !== Boolean(MTLS_PROXY_SECRET)) {
    const lacking = MTLS_BASE_URL ? 'MTLS_PROXY_SECRET' : 'MTLS_BASE_URL'
    found.push({ check: 'mutual TLS', ...wrong(`${lacking} is not set`, 'Set both, or neither') })
  } else if (MTLS_BASE_URL)
    found.push(
      await look('mutual TLS', 'Start the proxy of deploy/nginx', async () => {
        const { status } = await get(`${MTLS_BASE_URL}/health`)
        return status === 200 ? ok(MTLS_BASE_URL) : wrong(`answers ${status}`, 'Start the proxy of deploy/nginx')
      }),
    )
  if (mode === 'production' && !CLIENT_IP_HEADER) {
    const fix = 'Fine on Netlify; behind another proxy all callers would share one rate limit: set it to x-real-ip'
    found.push({ check: 'caller address', ...warning('CLIENT_IP_HEADER is not set', fix) })
  }
  return found
}

/** Checks the gateway from outside, and the services that it calls. */
export async function checkOutside(gateway: Gateway, databaseWorks: boolean): Promise<Checked[]> {
  const { COOKIE_DOMAIN } = gateway.config
  return [
    await checkIssuer(gateway),
    await checkServing(gateway),
    ...(databaseWorks ? [await checkPublishedKeys(gateway), ...(await checkSupabaseProjects(gateway))] : []),
    { check: 'cookies', ...judgeCookies(gateway.issuer, COOKIE_DOMAIN, dashboardUrl(gateway.config)) },
    ...(await checkProxies(gateway)),
    ...(await Promise.all(EDGE_FUNCTIONS.map((name) => checkEdgeFunction(gateway, name)))),
  ]
}
