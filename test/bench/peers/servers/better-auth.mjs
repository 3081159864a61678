// better-auth on Postgres (a pool of pg through its Kysely adapter), in production mode, without rate limits.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { apiKey } from '@better-auth/api-key'
import { oauthProvider } from '@better-auth/oauth-provider'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { bearer, deviceAuthorization, emailOTP, jwt } from 'better-auth/plugins'
import pg from 'pg'

const { DATABASE_URL, PORT, SETUP } = process.env
const secret = 'bench-secret-bench-secret-bench-secret-0123'
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 16 })

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${PORT}`,
  secret,
  database: pool,
  logger: { level: 'error' },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  disabledPaths: ['/token'],
  emailAndPassword: { enabled: true },
  plugins: [
    jwt({ jwks: { keyPairConfig: { alg: 'ES256' } }, disableSettingJwtHeader: true }),
    apiKey({ rateLimit: { enabled: false }, deferUpdates: false }),
    deviceAuthorization({ interval: '0s', expiresIn: '30m', validateClient: () => true }),
    emailOTP({ async sendVerificationOTP() {}, generateOTP: () => '123456' }),
    bearer(),
    oauthProvider({
      loginPage: '/login',
      consentPage: '/consent',
      scopes: ['openid', 'email', 'offline_access', 'read'],
      resources: ['https://api.bench.local'],
      enforcePerClientResources: false,
      clientPrivileges: () => true,
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
    }),
  ],
})

/** Tables, a client, and 256 people with a session each. */
async function setUp() {
  const { runMigrations } = await getMigrations(auth.options)
  await runMigrations()
  const { headers } = await auth.api.signUpEmail({
    body: { email: 'admin@bench.local', password: 'Passw0rd!bench', name: 'A' },
    returnHeaders: true,
  })
  const cookies = headers.getSetCookie().map((cookie) => cookie.split(';')[0])
  const { client_id, client_secret } = await auth.api.adminCreateOAuthClient({
    headers: new Headers({ cookie: cookies.join('; ') }),
    body: {
      redirect_uris: ['https://client.bench.local/cb'],
      client_name: 'bench',
      skip_consent: true,
      scope: 'openid email offline_access read',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      client_credentials_scopes: ['read'],
    },
  })
  await pool.query(`
    insert into "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    select 'u' || i, 'U', 'u' || i || '@bench.local', true, now(), now() from generate_series(0, 255) i`)
  await pool.query(`
    insert into session (id, "expiresAt", token, "createdAt", "updatedAt", "userId")
    select 'us' || i, now() + interval '7 days', 'usertok' || i, now(), now(), 'u' || i from generate_series(0, 255) i`)
  console.log(JSON.stringify({ client_id, client_secret, secret }))
}

/** better-auth offers this as a call within the server only. */
async function verifyKey(request, response) {
  const { valid, key } = await auth.api.verifyApiKey({ body: { key: JSON.parse(await text(request)).key } })
  const body = JSON.stringify({ valid, userId: key?.referenceId ?? key?.userId ?? null })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  response.writeHead(valid ? 200 : 401, headers).end(body)
}

if (SETUP) {
  await setUp()
  process.exit(0)
}
const handler = toNodeHandler(auth)
const server = createServer((request, response) =>
  request.url === '/verify-key' ? verifyKey(request, response) : handler(request, response),
)
server.keepAliveTimeout = 120_000
server.listen(Number(PORT), '127.0.0.1')
