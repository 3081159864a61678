import { isIP } from 'node:net'
import { brandVariables, coloursOf } from './config/brand.ts'
import { connectedVariables, DEVELOPMENT_WEBHOOK_SECRET } from './config/connected.ts'
import { operationVariables } from './config/operation.ts'
import { DEVELOPMENT_MASTER_SECRET, isMasterSecret, serverVariables } from './config/server.ts'
import { tokensVariables } from './config/tokens.ts'
import { isBase64, several, type ValueOf } from './config/variable.ts'

/** Every variable the gateway reads, with its documentation, type and default; `docs/configuration.md` is generated from it. */
export const variables = {
  ...serverVariables,
  ...brandVariables,
  ...connectedVariables,
  ...tokensVariables,
  ...operationVariables,
}

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

/** Browsers refuse passkeys for a domain that the page is not in (WebAuthn Level 3 section 5.1.3). */
function relyingPartyErrors({ WEBAUTHN_RP_ID, AUTH_BASE_URL }: Config): string[] {
  const { hostname } = new URL(AUTH_BASE_URL)
  const isIn = WEBAUTHN_RP_ID === undefined || `.${hostname}`.endsWith(`.${WEBAUTHN_RP_ID}`)
  return isIn ? [] : ['WEBAUTHN_RP_ID: must be the host of AUTH_BASE_URL or a parent of it']
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

/** A deployed function is always production. A preview is an issuer of its own, even though it shares variables with production. */
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
  if (given.AUTH_MASTER_SECRET === undefined && (values.AUTH_MASTER_SECRET_FILE || values.AUTH_ROOT_KMS_KEY))
    values.AUTH_MASTER_SECRET = ''
  if (errors.length === 0) {
    Object.assign(values, modeOf(values as Config))
    errors.push(
      ...developmentErrors(values as Config),
      ...sharedSecretErrors(values as Config),
      ...relyingPartyErrors(values as Config),
    )
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

/** How the deployment presents itself; by default where no configuration is loaded, as in a gallery of pages. */
export function deploymentBrand(
  { BRAND_NAME: name = variables.BRAND_NAME.fallback, BRAND_COLOURS, BRAND_LOGO: logo }: Partial<Config> = loaded ?? {},
) {
  const isOurs = name === variables.BRAND_NAME.fallback && !logo
  return { name, logo, isOurs, colours: BRAND_COLOURS ? coloursOf(BRAND_COLOURS) : undefined }
}

/** The brand of messages, where it is not that of the edge functions. */
export function messageBrand(current: Config): { name?: string; colour?: string } | undefined {
  const { name, isOurs, colours } = deploymentBrand(current)
  return isOurs && !colours ? undefined : { name, colour: colours?.light }
}

export const brandName = (): string => deploymentBrand().name

/** The dashboard, if there is one: a development gateway never redirects to the production dashboard. */
export function dashboardUrl({ DASHBOARD_URL, mode }: Config): string | undefined {
  return DASHBOARD_URL ?? (mode === 'development' ? undefined : 'https://dashboard.lanonasis.com')
}

/** Whether the gateway is reached over https, so cookies are Secure and HSTS is sent. */
export function isHttps(current: Config = config()): boolean {
  return current.AUTH_BASE_URL.startsWith('https:')
}

/** The domain that passkeys are for. */
export const relyingPartyId = ({ WEBAUTHN_RP_ID, AUTH_BASE_URL }: Config): string =>
  WEBAUTHN_RP_ID ?? new URL(AUTH_BASE_URL).hostname

/** Whether passkeys can be used: browsers accept no IP address as the domain that they are for. */
export const passkeysAreOn = (current: Config): boolean => isIP(relyingPartyId(current).replace(/^\[|\]$/g, '')) === 0

const decoded = (secrets: string) => several(secrets).map((one) => Buffer.from(one, 'base64'))

/** Returns the master secrets of the environment in the order in which they are tried; none if another root is configured instead. */
export function masterSecrets({ AUTH_MASTER_SECRET }: Pick<Config, 'AUTH_MASTER_SECRET'>): Buffer[] {
  return AUTH_MASTER_SECRET ? decoded(AUTH_MASTER_SECRET) : []
}

/** Reads the master secrets in a file's text. @throws Error that names the file */
export function readMasterSecrets(content: string, file: string): Buffer[] {
  const secrets = content.trim()
  if (!isMasterSecret(secrets)) throw new Error(`${file} has no master secrets`)
  return decoded(secrets)
}
