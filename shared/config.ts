import * as z from 'zod/mini'

const DEVELOPMENT_MASTER_SECRET = 'bG9jYWwtZGV2ZWxvcG1lbnQtb25seS1tYXN0ZXItc2VjcmV0'
const DEVELOPMENT_WEBHOOK_SECRET = 'v1,whsec_bG9jYWwtZGV2ZWxvcG1lbnQtb25seS13ZWJob29r'
const DAY = 86_400

const url = (protocols: RegExp) => z.url({ protocol: protocols, error: `must be a URL matching ${protocols.source}` })
const httpUrl = () =>
  z.pipe(
    url(/^https?$/),
    z.transform((value: string) => value.replace(/\/+$/, '')),
  )
const postgresUrl = () => url(/^postgres(ql)?$/)
const seconds = (minimum: number, maximum: number) =>
  z.coerce.number().check(z.int(), z.minimum(minimum), z.maximum(maximum))
const flag = () =>
  z.pipe(
    z.enum(['true', 'false'], { error: 'must be true or false' }),
    z.transform((value: 'true' | 'false'): boolean => value === 'true'),
  )
const list = () =>
  z.pipe(
    z.string(),
    z.transform((value: string) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter(Boolean),
    ),
  )

/** `name=URL` pairs, separated by commas. */
const urlsByName = () =>
  z.pipe(
    z.string().check(
      z.refine((value) => {
        const pairs = value.split(',').filter((pair) => pair.trim())
        return pairs.every((pair) => /^\s*[\w.-]+=https?:\/\/[^\s?#@,]+\s*$/.test(pair))
      }, 'must be name=URL pairs, separated by commas, without query, fragment or credentials'),
    ),
    z.transform((value: string): Record<string, string> => {
      const pairs = value.split(',').filter((pair) => pair.trim())
      return Object.fromEntries(
        pairs.map((pair) => /^([^=]+)=(.*?)\/*$/.exec(pair.trim())?.slice(1) as [string, string]),
      )
    }),
  )

const bytesOf = (base64: string) => Buffer.from(base64, 'base64').length
const isBase64 = (value: string) => /^[A-Za-z0-9+/]+={0,2}$/.test(value)
const isLongSecret = (value: string) => isBase64(value) && bytesOf(value) >= 32
const isWebhookSecret = (value: string) =>
  value.split('|').every((one) => /^v1,whsec_/.test(one) && isBase64(one.slice(9)) && bytesOf(one.slice(9)) >= 24)

const isSvixSecret = (value: string) => /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(value.trim())

/** A variable with the line that documents it. */
function documented<Schema extends z.ZodMiniType>(description: string, schema: Schema): Schema {
  z.globalRegistry.add(schema, { description })
  return schema
}

/** Every variable the gateway reads, with its type, default and documentation; the README table is made from it. */
export const variables = z.object({
  NODE_ENV: documented(
    '`production`, the default on Netlify, refuses every development value below.',
    z._default(z.enum(['development', 'test', 'production']), 'development'),
  ),
  HOST: documented('Address `npm start` listens on.', z._default(z.string().check(z.minLength(1)), '127.0.0.1')),
  PORT: documented(
    'Port `npm start` listens on.',
    z._default(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(65_535)), 4000),
  ),
  AUTH_BASE_URL: documented(
    'Public base URL and OAuth issuer, without a trailing slash.',
    z.prefault(httpUrl(), 'http://localhost:4000'),
  ),
  DATABASE_URL: documented('Postgres through the transaction-mode pooler, as the application role.', postgresUrl()),
  DATABASE_MIGRATION_URL: documented(
    'Direct Postgres connection as the owner; only the operator commands use it.',
    z.optional(postgresUrl()),
  ),
  AUTH_MASTER_SECRET: documented(
    'Base64, at least 32 random bytes (`openssl rand -base64 32`). Every other key derives from it.',
    z._default(
      z.string().check(z.refine(isLongSecret, 'must be base64 of at least 32 random bytes')),
      DEVELOPMENT_MASTER_SECRET,
    ),
  ),
  COOKIE_DOMAIN: documented(
    'Domain of the session cookies; unset means the gateway’s own host only.',
    z.optional(
      z.string().check(z.regex(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'must be a domain name such as .example.com')),
    ),
  ),
  CORS_ORIGIN: documented(
    'Origins that may call the API from a browser; `*.` stands for any subdomain, `:*` for any port.',
    z.prefault(list(), '*.lanonasis.com,https://*.lanonasis.com,http://localhost:*'),
  ),
  DASHBOARD_URL: documented(
    'Where a sign-in without a return address ends.',
    z.prefault(httpUrl(), 'https://dashboard.lanonasis.com'),
  ),
  SUPABASE_FUNCTIONS_URL: documented(
    'Base URL of the Supabase Edge Functions that deliver codes.',
    z.prefault(httpUrl(), 'http://127.0.0.1:54321/functions/v1'),
  ),
  OTP_WEBHOOK_SECRET: documented(
    'Signs the calls to the Edge Functions: `v1,whsec_<base64>`; with several (separated by a vertical bar) each one signs, so that a secret can be replaced without a gap.',
    z._default(
      z
        .string()
        .check(z.refine(isWebhookSecret, 'must be v1,whsec_<base64 of at least 24 bytes>, several separated by |')),
      DEVELOPMENT_WEBHOOK_SECRET,
    ),
  ),
  RESEND_WEBHOOK_SECRET: documented(
    'Signing secret (`whsec_…`) of the webhook that tells `/v1/delivery/resend` what became of mails; several separated by a vertical bar. Unset refuses it.',
    z.optional(
      z
        .string()
        .check(
          z.refine((value) => value.split('|').every(isSvixSecret), 'must be whsec_<base64>, several separated by |'),
        ),
    ),
  ),
  TWILIO_AUTH_TOKEN: documented(
    'Auth token that Twilio signs status callbacks at `/v1/delivery/twilio` with; several separated by a vertical bar. Unset refuses them.',
    z.optional(z.string().check(z.minLength(8))),
  ),
  SMS_COUNTRIES: documented(
    'Countries (ISO 3166, such as `CH,DE,FR`) whose mobile numbers get codes by text message; numbers without a country code are of the first. Unset means no text messages.',
    z.prefault(
      list().check(z.refine((all) => all.every((one) => /^[A-Z]{2}$/.test(one)), 'must be codes such as CH,DE')),
      '',
    ),
  ),
  SMS_DAILY_CAP: documented(
    'Text messages in 24 hours, whoever they go to.',
    z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(10_000_000)), 1000),
  ),
  SMS_BREAKER_SENDS: documented(
    'Codes by text message to one country in an hour, from which on it is stopped when fewer than a fifth of them are entered.',
    z._default(z.coerce.number().check(z.int(), z.minimum(5), z.maximum(1_000_000)), 30),
  ),
  API_URL: documented(
    'Base URL of the LanOnasis API, for `/.well-known/onasis.json`.',
    z._default(httpUrl(), 'https://api.lanonasis.com'),
  ),
  MCP_URL: documented(
    'Base URL of the LanOnasis MCP server, for the same.',
    z._default(httpUrl(), 'https://mcp.lanonasis.com'),
  ),
  SUPABASE_URL: documented(
    'The Supabase project whose users sign in here, with passwords and by its tokens; unset means that there is none.',
    z.optional(httpUrl()),
  ),
  SUPABASE_ANON_KEY: documented(
    'Publishable (or anon) key of that project.',
    z.optional(z.string().check(z.minLength(10), z.maxLength(1000))),
  ),
  SUPABASE_JWT_SECRET: documented(
    'The old shared JWT secret of that project, as long as it still signs with one.',
    z.optional(z.string().check(z.minLength(32))),
  ),
  LEGACY_TOKEN_SECRET: documented(
    'Signs access tokens with HS256 for resource servers that cannot read a key set yet, and share this secret. The gateway takes none of them back.',
    z.optional(z.string().check(z.minLength(32))),
  ),
  LEGACY_TOKEN_CLIENTS: documented(
    'Which tokens those are: `client_id=resource` pairs, separated by commas, for tokens of the client that are for that resource alone; with `resource=<issuer>` it gets others, for the gateway.',
    z.prefault(urlsByName(), ''),
  ),
  SYNC_WEBHOOK_SECRET: documented(
    'What webhooks at `/v1/sync/…` bring in `X-Webhook-Secret`, 32 characters or more; several separated by a vertical bar. Unset refuses them.',
    z.optional(
      z
        .string()
        .check(
          z.refine(
            (value) => value.split('|').every((one) => one.length >= 32),
            'must be 32 characters or more, several separated by |',
          ),
        ),
    ),
  ),
  INTROSPECTION_REQUIRES_CLIENT_AUTH: documented(
    '`true` refuses introspection by a caller that only holds the token.',
    z.prefault(flag(), 'false'),
  ),
  MTLS_BASE_URL: documented(
    'Base URL of the proxy that asks callers for a client certificate; unset means that there is none.',
    z.optional(httpUrl()),
  ),
  MTLS_PROXY_SECRET: documented(
    'Base64, at least 32 random bytes, shared with that proxy alone: what it says of certificates is believed by this.',
    z.optional(z.string().check(z.refine(isLongSecret, 'must be base64 of at least 32 random bytes'))),
  ),
  DPOP_NONCE_REQUIRED: documented(
    '`true` accepts only DPoP proofs with a nonce of this gateway; clients get one with the first refusal.',
    z.prefault(flag(), 'false'),
  ),
  CLIENT_IP_HEADER: documented(
    'Header with the client address, set by your own proxy (nginx: `x-real-ip`). Leave unset on Netlify.',
    z.optional(z.string().check(z.regex(/^[a-z0-9-]+$/i, 'must be a header name'), z.toLowerCase())),
  ),
  ACCESS_TOKEN_SECONDS: documented('Life of an access token.', z._default(seconds(60, DAY), 3600)),
  SIGNING_KEY_DAYS: documented(
    'The hourly job rotates signing keys that are older than this; 0 leaves it to `npm run keys -- rotate`.',
    z._default(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(3650)), 90),
  ),
  SESSION_IDLE_SECONDS: documented(
    'A session ends after this long without use.',
    z._default(seconds(60, 90 * DAY), 7 * DAY),
  ),
  SESSION_ABSOLUTE_SECONDS: documented(
    'A session ends after this long in any case.',
    z._default(seconds(60, 365 * DAY), 30 * DAY),
  ),
  REFRESH_IDLE_SECONDS: documented(
    'A refresh token ends after this long without use.',
    z._default(seconds(60, 365 * DAY), 30 * DAY),
  ),
  REFRESH_ABSOLUTE_SECONDS: documented(
    'A token family ends after this long, rotation or not.',
    z._default(seconds(60, 365 * DAY), 90 * DAY),
  ),
  VERIFIER_ADDRESSES: documented(
    'Addresses (CIDR) of your own services, which may say in `client_ip` where the key they verify came from, and learn the UAI behind tokens of clients that do not know it.',
    z.prefault(list(), ''),
  ),
  SERVICE_UPSTREAMS: documented(
    'Where `/api/v1/services/<name>` leads: `name=URL` pairs, separated by commas. No other address is ever asked.',
    z.prefault(urlsByName(), ''),
  ),
  AUTH_GATEWAY_REQUIRE_API_KEY_BINDING: documented(
    '`true` refuses API keys that are not bound to a caller.',
    z.prefault(flag(), 'false'),
  ),
  AUTH_GATEWAY_REQUIRE_API_KEY_SIGNATURE: documented(
    '`true` refuses requests with an API key that are not signed.',
    z.prefault(flag(), 'false'),
  ),
  AUTH_GATEWAY_API_KEY_SIGNATURE_WINDOW_SECONDS: documented(
    'How far the time of a signed request may be off.',
    z._default(seconds(10, 900), 300),
  ),
  LEAK_SCANNER_KEYS_URL: documented(
    'Where the public keys of the secret scanner stand, whose reports `/v1/keys/leaked` takes.',
    z.prefault(httpUrl(), 'https://api.github.com/meta/public_keys/secret_scanning'),
  ),
  LEAKED_KEY_POLICY: documented(
    'What becomes of a key that was found in public; its owner is told in any case.',
    z._default(z.enum(['quarantine', 'revoke', 'notify']), 'quarantine'),
  ),
  API_KEY_EXPIRY_WARNING_DAYS: documented(
    'How many days before a key expires its owner is told.',
    z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(90)), 7),
  ),
  REQUIRE_PUSHED_AUTHORIZATION_REQUESTS: documented(
    '`true` takes authorization requests only where they were pushed (RFC 9126).',
    z.prefault(flag(), 'false'),
  ),
  REGISTER_UNKNOWN_CLIENTS: documented(
    '`true` registers an unknown client that starts a device sign-in as a minimal public client; unset means so, except in production.',
    z.optional(flag()),
  ),
  METRICS_PORT: documented(
    'Port where `npm start` tells its metrics to Prometheus at `/metrics`, plus `NODE_APP_INSTANCE`; unset means nowhere.',
    z.optional(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(65_535))),
  ),
  METRICS_TOKEN: documented(
    'Bearer token for them. With it they are told wherever `HOST` says, without on this machine alone.',
    z.optional(z.string().check(z.minLength(16))),
  ),
  NODE_APP_INSTANCE: documented(
    'Number of this process among its siblings, which PM2 sets.',
    z._default(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(999)), 0),
  ),
  DRAIN_SECONDS: documented(
    'How long `npm start` goes on when it is told to stop, with `/ready` saying no, so that a load balancer turns away.',
    z._default(seconds(0, 300), 0),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: documented(
    'OpenTelemetry collector (OTLP over HTTP) that gets traces; unset means none. Its `OTEL_EXPORTER_OTLP_…` siblings and `OTEL_RESOURCE_ATTRIBUTES` count too.',
    z.optional(httpUrl()),
  ),
  OTEL_TRACES_SAMPLER_ARG: documented(
    'Share of the requests that is traced, from 0 to 1.',
    z._default(z.coerce.number().check(z.minimum(0), z.maximum(1)), 1),
  ),
  BACKUP_DAYS: documented(
    'How many days your database backups are kept; the receipt of an erasure says when they have forgotten too.',
    z._default(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(3650)), 30),
  ),
  AUDIT_SIGNING_KEY: documented(
    'Base64 of 32 random bytes: the Ed25519 key that signs checkpoints of the audit log. Unset means one derived from the master secret.',
    z.optional(
      z.string().check(z.refine((value) => isBase64(value) && bytesOf(value) === 32, 'must be base64 of 32 bytes')),
    ),
  ),
  CHECKPOINT_URL: documented(
    'Where each newest checkpoint is put (PUT, text/plain), out of the reach of the database; `{size}` in it stands for the number of events.',
    z.optional(httpUrl()),
  ),
  CHECKPOINT_URL_TOKEN: documented('Bearer token for that.', z.optional(z.string().check(z.minLength(1)))),
  CHECKPOINT_FILE: documented(
    'File that each newest checkpoint is added to, as a line of JSON.',
    z.optional(z.string().check(z.minLength(1))),
  ),
  LOG_LEVEL: documented(
    'Least important line that is logged.',
    z._default(z.enum(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  ),
})

export type Config = z.infer<typeof variables>

const isLocal = (value = '') => /^http:/.test(value) || /^https?:\/\/(localhost|127\.|\[::1\])/.test(value)

const isSecretOfDevelopment = (value: string) =>
  value === DEVELOPMENT_MASTER_SECRET || value.includes(DEVELOPMENT_WEBHOOK_SECRET)

/** Development values where they must not be: anywhere in production, the secrets also behind a public address. */
function developmentFaults(config: Config): string[] {
  const { NODE_ENV, AUTH_BASE_URL } = config
  const addresses = ['AUTH_BASE_URL', 'MTLS_BASE_URL', 'SUPABASE_FUNCTIONS_URL', 'DASHBOARD_URL'] as const
  const secrets = ['AUTH_MASTER_SECRET', 'OTP_WEBHOOK_SECRET'] as const
  const production = NODE_ENV === 'production'
  const reachable = production || (NODE_ENV === 'development' && !isLocal(AUTH_BASE_URL))
  return [
    ...addresses
      .filter((name) => production && isLocal(config[name]))
      .map((name) => `${name}: must be a public https address in production`),
    ...secrets
      .filter((name) => reachable && isSecretOfDevelopment(config[name]))
      .map((name) => `${name}: must be set to a secret of your own`),
  ]
}

/** Set by the build of a deploy preview, since a function cannot ask for it: the address it alone is reached at. */
declare const PREVIEW_URL: string | undefined
const builtFor = typeof PREVIEW_URL === 'undefined' ? '' : PREVIEW_URL

/**
 * Netlify sets no NODE_ENV where functions run, so a deployed function without one is production. A preview is an issuer of
 * its own, whatever the variables say that it shares with production.
 */
function withPlatformDefaults(
  env: Record<string, string | undefined>,
  previewUrl = builtFor,
): Record<string, string | undefined> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value))
  const deployed = given.AWS_LAMBDA_FUNCTION_NAME && !given.NETLIFY_DEV
  return {
    ...(deployed && { NODE_ENV: 'production' }),
    ...given,
    ...(previewUrl && { AUTH_BASE_URL: previewUrl, COOKIE_DOMAIN: undefined, MTLS_BASE_URL: undefined }),
  }
}

/**
 * Reads and checks the configuration. An empty value counts as unset.
 * @param previewUrl of a deploy preview; what the build says unless given
 * @throws {Error} one message that names every missing or wrong variable, never its value.
 */
export function loadConfig(env: Record<string, string | undefined>, previewUrl?: string): Config {
  const given = withPlatformDefaults(env, previewUrl)
  const result = variables.safeParse(given, { jitless: true })
  const faults = result.success
    ? developmentFaults(result.data)
    : result.error.issues.map(({ path: [name], message }) =>
        given[String(name)] ? `${String(name)}: ${message}` : `${String(name)}: is required`,
      )
  if (!result.success || faults.length > 0) {
    throw new Error(`The configuration is not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
  }
  return Object.freeze(result.data)
}

let loaded: Config | undefined

/** The configuration of this process, read from the environment once, at first use. */
export function config(): Config {
  loaded ??= loadConfig(process.env)
  return loaded
}

/** Whether the gateway is reached over https, so cookies are Secure and HSTS is sent. */
export function isHttps(current: Config = config()): boolean {
  return current.AUTH_BASE_URL.startsWith('https:')
}
