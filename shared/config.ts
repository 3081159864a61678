import * as z from 'zod'

const DEVELOPMENT_MASTER_SECRET = 'bG9jYWwtZGV2ZWxvcG1lbnQtb25seS1tYXN0ZXItc2VjcmV0'
const DEVELOPMENT_WEBHOOK_SECRET = 'v1,whsec_bG9jYWwtZGV2ZWxvcG1lbnQtb25seS13ZWJob29r'
const DAY = 86_400

const url = (protocols: RegExp) => z.url({ protocol: protocols, error: `must be a URL matching ${protocols.source}` })
const httpUrl = () => url(/^https?$/).transform((value) => value.replace(/\/+$/, ''))
const postgresUrl = () => url(/^postgres(ql)?$/)
const seconds = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum)
const flag = () =>
  z.enum(['true', 'false'], { error: 'must be true or false' }).transform((value: string): boolean => value === 'true')
const list = () =>
  z.string().transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  )

const bytesOf = (base64: string) => Buffer.from(base64, 'base64').length
const isBase64 = (value: string) => /^[A-Za-z0-9+/]+={0,2}$/.test(value)

/** Every variable the gateway reads, with its type, default and documentation; the README table is made from it. */
export const variables = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('`production`, the default on Netlify, refuses every development value below.'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address `npm start` listens on.'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000).describe('Port `npm start` listens on.'),
  AUTH_BASE_URL: httpUrl()
    .prefault('http://localhost:4000')
    .describe('Public base URL and OAuth issuer, without a trailing slash.'),
  DATABASE_URL: postgresUrl().describe('Postgres through the transaction-mode pooler, as the application role.'),
  DATABASE_MIGRATION_URL: postgresUrl()
    .optional()
    .describe('Direct Postgres connection as the owner; only the operator commands use it.'),
  AUTH_MASTER_SECRET: z
    .string()
    .refine((value) => isBase64(value) && bytesOf(value) >= 32, 'must be base64 of at least 32 random bytes')
    .default(DEVELOPMENT_MASTER_SECRET)
    .describe('Base64, at least 32 random bytes (`openssl rand -base64 32`). Every other key derives from it.'),
  COOKIE_DOMAIN: z
    .string()
    .regex(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'must be a domain name such as .example.com')
    .optional()
    .describe('Domain of the session cookies; unset means the gateway’s own host only.'),
  CORS_ORIGIN: list()
    .prefault('*.lanonasis.com,https://*.lanonasis.com,http://localhost:*')
    .describe('Origins that may call the API from a browser; `*.` stands for any subdomain, `:*` for any port.'),
  DASHBOARD_URL: httpUrl()
    .prefault('https://dashboard.lanonasis.com')
    .describe('Where a sign-in without a return address ends.'),
  SUPABASE_FUNCTIONS_URL: httpUrl()
    .prefault('http://127.0.0.1:54321/functions/v1')
    .describe('Base URL of the Supabase Edge Functions that deliver codes.'),
  OTP_WEBHOOK_SECRET: z
    .string()
    .refine(
      (value) =>
        value
          .split('|')
          .every((one) => /^v1,whsec_/.test(one) && isBase64(one.slice(9)) && bytesOf(one.slice(9)) >= 24),
      'must be v1,whsec_<base64 of at least 24 bytes>, several separated by |',
    )
    .default(DEVELOPMENT_WEBHOOK_SECRET)
    .describe(
      'Signs the calls to the Edge Functions: `v1,whsec_<base64>`; several are separated by a vertical bar and the first one signs.',
    ),
  INTROSPECTION_REQUIRES_CLIENT_AUTH: flag()
    .prefault('false')
    .describe('`true` refuses introspection by a caller that only holds the token.'),
  CLIENT_IP_HEADER: z
    .string()
    .regex(/^[a-z0-9-]+$/i, 'must be a header name')
    .transform((value) => value.toLowerCase())
    .optional()
    .describe('Header with the client address, set by your own proxy (nginx: `x-real-ip`). Leave unset on Netlify.'),
  ACCESS_TOKEN_SECONDS: seconds(60, DAY).default(3600).describe('Life of an access token.'),
  SESSION_IDLE_SECONDS: seconds(60, 90 * DAY)
    .default(7 * DAY)
    .describe('A session ends after this long without use.'),
  SESSION_ABSOLUTE_SECONDS: seconds(60, 365 * DAY)
    .default(30 * DAY)
    .describe('A session ends after this long in any case.'),
  REFRESH_IDLE_SECONDS: seconds(60, 365 * DAY)
    .default(30 * DAY)
    .describe('A refresh token ends after this long without use.'),
  REFRESH_ABSOLUTE_SECONDS: seconds(60, 365 * DAY)
    .default(90 * DAY)
    .describe('A token family ends after this long, rotation or not.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least important line that is logged.'),
})

export type Config = z.infer<typeof variables>

const isLocal = (value: string) => /^http:/.test(value) || /^https?:\/\/(localhost|127\.|\[::1\])/.test(value)

const isSecretOfDevelopment = (value: string) =>
  value === DEVELOPMENT_MASTER_SECRET || value.includes(DEVELOPMENT_WEBHOOK_SECRET)

/** Development values where they must not be: anywhere in production, the secrets also behind a public address. */
function developmentFaults(config: Config): string[] {
  const { NODE_ENV, AUTH_BASE_URL } = config
  const addresses = ['AUTH_BASE_URL', 'SUPABASE_FUNCTIONS_URL', 'DASHBOARD_URL'] as const
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

/** Netlify sets no NODE_ENV where functions run, so a deployed function without one is production. */
function withPlatformDefaults(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value))
  const deployed = given.AWS_LAMBDA_FUNCTION_NAME && !given.NETLIFY_DEV
  return deployed ? { NODE_ENV: 'production', ...given } : given
}

/**
 * Reads and checks the configuration. An empty value counts as unset.
 * @throws {Error} one message that names every missing or wrong variable, never its value.
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const given = withPlatformDefaults(env)
  const result = variables.safeParse(given)
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
