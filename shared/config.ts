import * as z from 'zod/mini'
import { isNetwork } from './addresses.ts'
import { type Limits, readLimits } from './limits.ts'

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
const text = (minimum: number) => () => z.string().check(z.minLength(minimum))
const whole = (minimum: number, maximum: number) => () =>
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

/** Limits that differ from the defaults, by name. */
const limits = () =>
  z.pipe(
    z.string(),
    z.transform((value: string, context): Partial<Limits> => {
      const read = readLimits(value)
      if (typeof read !== 'string') return read
      context.issues.push({ code: 'custom', input: value, message: read })
      return z.NEVER
    }),
  )

/** IP addresses and CIDR blocks. */
const networks = () => list().check(z.refine((all) => all.every(isNetwork), 'must be addresses or CIDR blocks'))

/** URI schemes (RFC 3986 section 3.1) in lower case. */
const schemes = () =>
  list().check(
    z.refine((all) => all.every((one) => /^[a-z][a-z0-9+.-]*$/.test(one)), 'must be schemes such as vscode,cursor'),
  )

const bytesOf = (base64: string) => Buffer.from(base64, 'base64').length
const isBase64 = (value: string) => /^[A-Za-z0-9+/]+={0,2}$/.test(value)
const isLongSecret = (value: string) => isBase64(value) && bytesOf(value) >= 32
const several = (value: string) => value.split('|')
const isWebhookSecret = (value: string) =>
  several(value).every((one) => /^v1,whsec_/.test(one) && isBase64(one.slice(9)) && bytesOf(one.slice(9)) >= 24)

const isSvixSecret = (value: string) => /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(value.trim())
const isMasterSecret = (value: string) => {
  const all = several(value)
  return all.every(isLongSecret) && new Set(all).size === all.length
}

type Variable<Type extends z.ZodMiniType, Unset> = {
  meaning: string
  /** Called only if the variable is set, for a faster start. */
  type: () => Type
  /** The value if it is not set. */
  fallback: Unset
  required?: boolean
}

const required = <Type extends z.ZodMiniType>(meaning: string, type: () => Type): Variable<Type, never> => ({
  meaning,
  type,
  fallback: undefined as never,
  required: true,
})
const optional = <Type extends z.ZodMiniType>(meaning: string, type: () => Type): Variable<Type, undefined> => ({
  meaning,
  type,
  fallback: undefined,
})
const variable = <Type extends z.ZodMiniType>(
  meaning: string,
  type: () => Type,
  fallback: z.output<Type>,
): Variable<Type, z.output<Type>> => ({ meaning, type, fallback })

/** Every variable the gateway reads, with its documentation, type and default; `docs/configuration.md` is generated from it. */
export const variables = {
  NODE_ENV: optional(
    '`development` and `test` take effect only if the issuer and the listener are on loopback; otherwise, and always on Netlify, the mode is `production`. Unset means `development` on loopback.',
    () => z.enum(['development', 'test', 'production']),
  ),
  HOST: variable('Address `npm start` listens on.', text(1), '127.0.0.1'),
  PORT: variable('Port `npm start` listens on.', whole(0, 65_535), 4000),
  AUTH_BASE_URL: variable(
    'Public base URL and OAuth issuer, without a trailing slash.',
    httpUrl,
    'http://localhost:4000',
  ),
  DATABASE_URL: required('Postgres through the transaction-mode pooler, as the application role.', postgresUrl),
  DATABASE_MIGRATION_URL: optional(
    'Direct Postgres connection as the owner; only the operator commands use it.',
    postgresUrl,
  ),
  DATABASE_CA: optional(
    'PEM certificates of the authority that issued the certificate of the database server, or the path of a file with them. If unset, connections to hosts that are not on loopback are encrypted, but the server is not verified.',
    text(1),
  ),
  DATABASE_PLAINTEXT: variable(
    '`true` allows connections to such hosts without TLS, for example in a private network between containers.',
    flag,
    false,
  ),
  AUTH_MASTER_SECRET: variable(
    'Base64, at least 32 random bytes (`openssl rand -base64 32`). All other keys are derived from it. Of several (separated by a vertical bar), the one that belongs to the database is used; a new database uses the first.',
    () =>
      z
        .string()
        .check(
          z.refine(isMasterSecret, 'must be base64 of at least 32 random bytes, several different ones separated by |'),
        ),
    DEVELOPMENT_MASTER_SECRET,
  ),
  COOKIE_DOMAIN: optional('Domain of the session cookies; unset means the gateway’s own host only.', () =>
    z.string().check(z.regex(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'must be a domain name such as .example.com')),
  ),
  CORS_ORIGIN: variable(
    'Origins that may call every endpoint from a browser, with cookies; `*.` matches any subdomain, `:*` any port. Other origins may call only what OAuth clients need, without cookies.',
    list,
    ['*.lanonasis.com', 'https://*.lanonasis.com', 'http://localhost:*'],
  ),
  PRIVATE_USE_SCHEMES: variable(
    'URI schemes without a dot that native applications, such as editors, may use in redirect URIs; schemes with a dot are always allowed.',
    schemes,
    ['cursor', 'vscode', 'vscode-insiders', 'windsurf', 'warp', 'claude', 'raycast', 'goose', 'lanonasis'],
  ),
  REGISTRATION_NETWORKS: variable(
    'Addresses (CIDR) that may register clients without a limit, such as the published addresses of hosted assistants, which all their users share.',
    networks,
    [],
  ),
  DASHBOARD_URL: optional(
    'Where a sign-in without a return address ends. Unset means https://dashboard.lanonasis.com, or the account page in development.',
    httpUrl,
  ),
  SUPPORT_URL: optional(
    'Where people who are refused can get help: a page (`https://…`) or a mailbox (`mailto:…`).',
    () => url(/^(https|mailto)$/),
  ),
  SUPABASE_FUNCTIONS_URL: variable(
    'Base URL of the Supabase Edge Functions that deliver codes.',
    httpUrl,
    'http://127.0.0.1:54321/functions/v1',
  ),
  OTP_WEBHOOK_SECRET: variable(
    'Signs the calls to the Edge Functions: `v1,whsec_<base64>`. Of several (separated by a vertical bar), each one signs, so that a secret can be replaced without downtime.',
    () =>
      z
        .string()
        .check(z.refine(isWebhookSecret, 'must be v1,whsec_<base64 of at least 24 bytes>, several separated by |')),
    DEVELOPMENT_WEBHOOK_SECRET,
  ),
  RESEND_WEBHOOK_SECRET: optional(
    'Signing secret (`whsec_…`) of the webhook that reports the delivery status of mails to `/v1/delivery/resend`; several separated by a vertical bar. If unset, its calls are refused.',
    () =>
      z
        .string()
        .check(
          z.refine((value) => several(value).every(isSvixSecret), 'must be whsec_<base64>, several separated by |'),
        ),
  ),
  TWILIO_AUTH_TOKEN: optional(
    'Auth token with which Twilio signs status callbacks to `/v1/delivery/twilio`; several separated by a vertical bar. If unset, they are refused.',
    text(8),
  ),
  SMS_COUNTRIES: variable(
    'Countries (ISO 3166, such as `CH,DE,FR`) to whose mobile numbers codes are sent by text message; numbers without a country code belong to the first. Unset means no text messages.',
    () => list().check(z.refine((all) => all.every((one) => /^[A-Z]{2}$/.test(one)), 'must be codes such as CH,DE')),
    [],
  ),
  SMS_DAILY_CAP: variable(
    'Maximum number of text messages in 24 hours; 30 % are reserved for numbers that signed in before, 15 % for known browsers only.',
    whole(1, 10_000_000),
    1000,
  ),
  SMS_BREAKER_SENDS: variable(
    'Codes sent by text message to one country in an hour above which new numbers there get none for a while if fewer than a fifth are entered.',
    whole(5, 1_000_000),
    30,
  ),
  LIMITS: variable(
    'Limits that differ from the defaults in `docs/limits.md`: `name=max/time` pairs, separated by commas, such as `otp-send-ip=60/1h,device=240/1h`.',
    limits,
    {},
  ),
  API_URL: variable(
    'Base URL of the LanOnasis API, for `/.well-known/onasis.json`.',
    httpUrl,
    'https://api.lanonasis.com',
  ),
  MCP_URL: variable(
    'Base URL of the LanOnasis MCP server, for the same document.',
    httpUrl,
    'https://mcp.lanonasis.com',
  ),
  SUPABASE_URL: optional(
    'Supabase project whose users sign in here, with passwords or its tokens; unset means none.',
    httpUrl,
  ),
  SUPABASE_ANON_KEY: optional('Publishable (or anon) key of that project.', () =>
    z.string().check(z.minLength(10), z.maxLength(1000)),
  ),
  SUPABASE_JWT_SECRET: optional('Legacy shared JWT secret of that project, if it still signs with one.', text(32)),
  LEGACY_TOKEN_SECRET: optional(
    'Signs access tokens with HS256 for resource servers that cannot read a key set yet and share this secret. The gateway itself does not accept them.',
    text(32),
  ),
  LEGACY_TOKEN_CLIENTS: variable(
    'Which tokens are signed like that: `client_id=resource` pairs, separated by commas, for tokens of the client that are for that resource only. With `resource=<issuer>` the client gets standard tokens for the gateway.',
    urlsByName,
    {},
  ),
  SYNC_WEBHOOK_SECRET: optional(
    'Secret that webhooks at `/v1/sync/…` send in `X-Webhook-Secret`, 32 characters or more; several separated by a vertical bar. If unset, they are refused.',
    () =>
      z
        .string()
        .check(
          z.refine(
            (value) => several(value).every((one) => one.length >= 32),
            'must be 32 characters or more, several separated by |',
          ),
        ),
  ),
  INTROSPECTION_REQUIRES_CLIENT_AUTH: variable(
    '`true` refuses introspection without client authentication.',
    flag,
    false,
  ),
  MTLS_BASE_URL: optional('Base URL of the proxy that requests client certificates; unset means none.', httpUrl),
  MTLS_PROXY_SECRET: optional(
    'Base64, at least 32 random bytes, shared with that proxy only: it authenticates the certificates that the proxy forwards.',
    () => z.string().check(z.refine(isLongSecret, 'must be base64 of at least 32 random bytes')),
  ),
  DPOP_NONCE_REQUIRED: variable(
    '`true` accepts only DPoP proofs with a nonce from this gateway; clients get one with the first error.',
    flag,
    false,
  ),
  CLIENT_IP_HEADER: optional(
    'Header with the client address, set by your own proxy (nginx: `x-real-ip`). Leave unset on Netlify.',
    () => z.string().check(z.regex(/^[a-z0-9-]+$/i, 'must be a header name'), z.toLowerCase()),
  ),
  ACCESS_TOKEN_SECONDS: variable('Lifetime of an access token.', whole(60, DAY), 3600),
  SIGNING_KEY_DAYS: variable(
    'The hourly job rotates signing keys that are older than this; 0 leaves it to `npm run keys -- rotate`.',
    whole(0, 3650),
    90,
  ),
  SESSION_IDLE_SECONDS: variable('A session ends after this long without use.', whole(60, 90 * DAY), 7 * DAY),
  SESSION_ABSOLUTE_SECONDS: variable('Maximum lifetime of a session.', whole(60, 365 * DAY), 30 * DAY),
  REFRESH_IDLE_SECONDS: variable('A refresh token ends after this long without use.', whole(60, 365 * DAY), 30 * DAY),
  REFRESH_ABSOLUTE_SECONDS: variable(
    'Maximum lifetime of a token family, with or without rotation.',
    whole(60, 365 * DAY),
    90 * DAY,
  ),
  VERIFIER_ADDRESSES: variable(
    'Addresses (CIDR) of your own services. They may state in `client_ip` where a key they verify was used, and see the UAI behind tokens of clients that do not know it.',
    networks,
    [],
  ),
  SERVICE_UPSTREAMS: variable(
    'Upstreams of `/api/v1/services/<name>`: `name=URL` pairs, separated by commas. No other address is called.',
    urlsByName,
    {},
  ),
  SERVICE_ANSWER_MB: variable(
    'Maximum size of a streamed response of such a service, in MiB. JSON is read completely, up to 6 MiB.',
    whole(1, 10_000),
    20,
  ),
  SERVICE_IDLE_SECONDS: variable(
    'Maximum pause within a response of such a service; an event stream must send a comment at least this often.',
    whole(1, 3600),
    60,
  ),
  AUTH_GATEWAY_REQUIRE_API_KEY_BINDING: variable(
    '`true` refuses API keys that are not bound to a caller.',
    flag,
    false,
  ),
  AUTH_GATEWAY_REQUIRE_API_KEY_SIGNATURE: variable(
    '`true` refuses requests with an API key that are not signed.',
    flag,
    false,
  ),
  AUTH_GATEWAY_API_KEY_SIGNATURE_WINDOW_SECONDS: variable(
    'Maximum difference between the time of a signed request and the current time.',
    whole(10, 900),
    300,
  ),
  LEAK_SCANNER_KEYS_URL: variable(
    'URL of the public keys of the secret scanner whose reports `/v1/keys/leaked` accepts.',
    httpUrl,
    'https://api.github.com/meta/public_keys/secret_scanning',
  ),
  LEAKED_KEY_POLICY: variable(
    'What happens to a key that was found publicly; its owner is notified in any case.',
    () => z.enum(['quarantine', 'revoke', 'notify']),
    'quarantine',
  ),
  API_KEY_EXPIRY_WARNING_DAYS: variable('How many days before a key expires its owner is notified.', whole(1, 90), 7),
  REQUIRE_PUSHED_AUTHORIZATION_REQUESTS: variable(
    '`true` accepts only pushed authorization requests (RFC 9126).',
    flag,
    false,
  ),
  REGISTER_UNKNOWN_CLIENTS: optional(
    '`true` registers an unknown client that starts a device sign-in as a minimal public client; unset means `true`, except in production.',
    flag,
  ),
  METRICS_PORT: optional(
    'Port on which `npm start` serves Prometheus metrics at `/metrics`, plus `NODE_APP_INSTANCE`; unset means no metrics.',
    whole(1, 65_535),
  ),
  METRICS_TOKEN: optional(
    'Bearer token for the metrics. If set, they are served on the address of `HOST`, otherwise on this machine only.',
    text(16),
  ),
  NODE_APP_INSTANCE: variable('Number of this process among those of the server, set by PM2.', whole(0, 999), 0),
  DRAIN_SECONDS: variable(
    'How long `npm start` continues after a stop signal, with `/ready` failing, so that a load balancer stops sending requests.',
    whole(0, 300),
    0,
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    'OpenTelemetry collector (OTLP over HTTP) that receives traces; unset means none. The other `OTEL_EXPORTER_OTLP_…` variables and `OTEL_RESOURCE_ATTRIBUTES` apply too.',
    httpUrl,
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'Share of requests that are traced, from 0 to 1.',
    () => z.coerce.number().check(z.minimum(0), z.maximum(1)),
    1,
  ),
  BACKUP_DAYS: variable(
    'How many days your database backups are kept; the receipt of an erasure states the day on which the last one expires.',
    whole(0, 3650),
    30,
  ),
  AUDIT_SIGNING_KEY: optional(
    'Base64 of 32 random bytes: the Ed25519 key that signs checkpoints of the audit log. If unset, one is derived from the master secret.',
    () => z.string().check(z.refine((value) => isBase64(value) && bytesOf(value) === 32, 'must be base64 of 32 bytes')),
  ),
  CHECKPOINT_URL: optional(
    'URL to which the newest checkpoint is sent (PUT, text/plain), stored apart from the database; `{size}` in it is replaced by the number of events.',
    httpUrl,
  ),
  CHECKPOINT_URL_TOKEN: optional('Bearer token for `CHECKPOINT_URL`.', text(1)),
  CHECKPOINT_FILE: optional('File to which the newest checkpoint is appended as a line of JSON.', text(1)),
  LOG_LEVEL: variable(
    'Lowest level that is logged.',
    () => z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    'info',
  ),
}

type ValueOf<One> = One extends Variable<infer Type, infer Unset> ? z.output<Type> | Unset : never
type Mode = 'development' | 'test' | 'production'

export type Config = { [Name in keyof typeof variables]: ValueOf<(typeof variables)[Name]> } & {
  /** The effective mode, which may differ from `NODE_ENV`, and why. */
  mode: Mode
  modeReason: string
}

const isLoopback = (host: string) =>
  /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host.toLowerCase().replace(/\.$/, ''))
const isLocal = (value: string | undefined) => {
  const { protocol, hostname } = new URL(value ?? 'https://unset.invalid')
  return protocol === 'http:' || isLoopback(hostname)
}

/** Development features are for local use: neither the issuer nor the listener may be reachable from another machine. */
function modeOf({ NODE_ENV, AUTH_BASE_URL, HOST }: Omit<Config, 'mode' | 'modeReason'>) {
  const mode = (name: Mode, reason: string) => ({ mode: name, modeReason: reason })
  if (NODE_ENV === 'production') return mode('production', 'NODE_ENV is production')
  if (!isLoopback(new URL(AUTH_BASE_URL).hostname)) return mode('production', 'AUTH_BASE_URL is not on loopback')
  if (!isLoopback(HOST)) return mode('production', 'HOST is not on loopback')
  if (NODE_ENV) return mode(NODE_ENV, `NODE_ENV is ${NODE_ENV}, AUTH_BASE_URL and HOST are on loopback`)
  return mode('development', 'NODE_ENV is unset, AUTH_BASE_URL and HOST are on loopback')
}

const isSecretOfDevelopment = (value: string) =>
  several(value).includes(DEVELOPMENT_MASTER_SECRET) || value.includes(DEVELOPMENT_WEBHOOK_SECRET)

/**
 * Development values that are not allowed: published secrets in production, and also local addresses unless `NODE_ENV` names another
 * environment, such as one that is tested through a tunnel.
 */
function developmentErrors(config: Config): string[] {
  const { NODE_ENV, mode } = config
  const addresses = ['AUTH_BASE_URL', 'MTLS_BASE_URL', 'SUPABASE_FUNCTIONS_URL', 'DASHBOARD_URL'] as const
  const secrets = ['AUTH_MASTER_SECRET', 'OTP_WEBHOOK_SECRET'] as const
  if (mode !== 'production') return []
  const strict = NODE_ENV === undefined || NODE_ENV === 'production'
  return [
    ...addresses
      .filter((name) => strict && isLocal(config[name]))
      .map((name) => `${name}: must be a public https address in production`),
    ...secrets
      .filter((name) => isSecretOfDevelopment(config[name]))
      .map((name) => `${name}: must be set to a secret of your own`),
  ]
}

/** The possible bytes of a secret: of its text, and of what the text encodes. */
const bytesMeant = (secret: string) => {
  const text = secret.trim().replace(/^(v1,)?whsec_/, '')
  return [Buffer.from(text), ...(isBase64(text) ? [Buffer.from(text, 'base64')] : [])].map((one) => one.toString('hex'))
}

/** A secret shared with a party for one purpose must not be used for another. */
function sharedSecretErrors(config: Config): string[] {
  const seen = new Map<string, string>()
  const errors = new Set<string>()
  for (const [name, value] of Object.entries(config)) {
    if (!/_(SECRET|TOKEN|SIGNING_KEY)$/.test(name) || typeof value !== 'string') continue
    for (const bytes of several(value).flatMap(bytesMeant)) {
      const other = seen.get(bytes) ?? name
      if (other !== name) errors.add(`${name}: must differ from ${other}`)
      seen.set(bytes, other)
    }
  }
  return [...errors]
}

/** The URL of a deploy preview, set by its build, since a function cannot read it at run time. */
declare const PREVIEW_URL: string | undefined
const builtFor = typeof PREVIEW_URL === 'undefined' ? '' : PREVIEW_URL

/**
 * A deployed function is always production. A preview is an issuer of its own, even though it shares variables with production.
 */
function onPlatform(env: Record<string, string | undefined>, previewUrl: string): Record<string, string | undefined> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value))
  const deployed = given.AWS_LAMBDA_FUNCTION_NAME && !given.NETLIFY_DEV
  return {
    ...given,
    ...(deployed && { NODE_ENV: 'production' }),
    ...(previewUrl && { AUTH_BASE_URL: previewUrl, COOKIE_DOMAIN: undefined, MTLS_BASE_URL: undefined }),
  }
}

/**
 * Reads and checks the configuration. An empty value counts as unset.
 * @param previewUrl URL of a deploy preview; the build's by default
 * @throws {Error} one message that names every missing or wrong variable, never its value.
 */
export function loadConfig(env: Record<string, string | undefined>, previewUrl = builtFor): Config {
  const given = onPlatform(env, previewUrl)
  const values: Record<string, unknown> = {}
  const errors: string[] = []
  for (const [name, { type, fallback, required }] of Object.entries(variables)) {
    values[name] = fallback
    if (given[name] !== undefined) {
      const { data, error } = type().safeParse(given[name], { jitless: true })
      values[name] = data
      for (const { message } of error?.issues ?? []) errors.push(`${name}: ${message}`)
    } else if (required) errors.push(`${name}: is required`)
  }
  if (errors.length === 0) {
    Object.assign(values, modeOf(values as Config))
    errors.push(...developmentErrors(values as Config), ...sharedSecretErrors(values as Config))
  }
  if (errors.length > 0)
    throw new Error(`The configuration is not usable:\n${errors.map((error) => `  - ${error}`).join('\n')}`)
  return Object.freeze(values) as Config
}

let loaded: Config | undefined

/** The configuration of this process, read from the environment once, at first use. */
export function config(): Config {
  loaded ??= loadConfig(process.env)
  return loaded
}

/** The dashboard, if there is one: a development gateway never redirects to the production dashboard. */
export function dashboardUrl({ DASHBOARD_URL, mode }: Config): string | undefined {
  return DASHBOARD_URL ?? (mode === 'development' ? undefined : 'https://dashboard.lanonasis.com')
}

/** Whether the gateway is reached over https, so cookies are Secure and HSTS is sent. */
export function isHttps(current: Config = config()): boolean {
  return current.AUTH_BASE_URL.startsWith('https:')
}

/** Returns the master secrets in the order in which they are tried. */
export function masterSecrets({ AUTH_MASTER_SECRET }: Pick<Config, 'AUTH_MASTER_SECRET'>): [Buffer, ...Buffer[]] {
  const [first = '', ...others] = several(AUTH_MASTER_SECRET)
  return [Buffer.from(first, 'base64'), ...others.map((one) => Buffer.from(one, 'base64'))]
}
