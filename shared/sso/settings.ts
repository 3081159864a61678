import * as z from 'zod/mini'
import type { ConnectionSettings } from '../domain/connection.ts'
import { keyProblem } from '../oauth/clients/client-metadata.ts'
import { once } from '../once.ts'
import { mailDomain } from '../typed/fields.ts'

const LOCAL = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/
const address = (text: string) => URL.canParse(text) && (text.startsWith('https:') || LOCAL.test(text))
const url = once(() => z.string().check(z.maxLength(2000), z.refine(address, 'must be an https address')))
const text = once(() => z.string().check(z.minLength(1), z.maxLength(500)))
const names = once(() => z.optional(z.array(text()).check(z.minLength(1), z.maxLength(20))))
const no = once(() => z._default(z.boolean(), false))

const publicKey = once(() =>
  z.looseObject({ kty: z.string() }).check((context) => {
    const problem = keyProblem(context.value)
    if (problem) context.issues.push({ code: 'custom', message: problem, input: context.value })
  }),
)

const shape = once(() =>
  z.strictObject({
    slug: z.string().check(z.regex(/^[a-z0-9][a-z0-9_-]{1,62}$/, 'must be 2 to 63 lower-case letters, digits, _ or -')),
    name: text(),
    protocol: z.enum(['oidc', 'oauth2', 'saml', 'supabase', 'hook']),
    issuer: z.optional(url()),
    client_id: z.optional(text()),
    auth_method: z.optional(z.enum(['client_secret_basic', 'client_secret_post', 'none', 'apple'])),
    scope: z.optional(text()),
    authorization_endpoint: z.optional(url()),
    token_endpoint: z.optional(url()),
    userinfo_endpoint: z.optional(url()),
    emails_endpoint: z.optional(url()),
    subject_member: z.optional(text()),
    apple: z.optional(z.strictObject({ team_id: text(), key_id: text() })),
    saml: z.optional(
      z.strictObject({
        entry_point: url(),
        idp_issuer: text(),
        certificates: z.array(z.string().check(z.maxLength(10_000))).check(z.minLength(1)),
        logout_url: z.optional(url()),
        name_id_format: z.optional(z.enum(['persistent', 'transient', 'emailAddress', 'unspecified', 'none'])),
        clock_skew_seconds: z.optional(z.int().check(z.minimum(0), z.maximum(600))),
        allow_sha1: z.optional(z.boolean()),
        attributes: z.optional(
          z.strictObject({
            subject: z.optional(text()),
            ...{ email: names(), name: names(), given_name: names(), family_name: names() },
          }),
        ),
      }),
    ),
    supabase_provider: z.optional(text()),
    hook: z.optional(z.strictObject({ url: url(), public_jwk: publicKey() })),
    domains: z._default(z.array(mailDomain()), []),
    provision: z._default(z.boolean(), true),
    organization_id: z.optional(z.uuid()),
    trust_email: no(),
    listed: z._default(z.boolean(), true),
    id_jag: no(),
    logout: no(),
  }),
)

const NEEDED: Record<ConnectionSettings['protocol'], (keyof ConnectionSettings)[]> = {
  oidc: ['issuer', 'client_id'],
  oauth2: ['client_id', 'authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'subject_member'],
  saml: ['saml'],
  supabase: ['supabase_provider'],
  hook: ['hook'],
}

/** Parses the settings of a connection and returns every problem. */
export function parseConnection(
  given: unknown,
): { settings: ConnectionSettings; problems?: undefined } | { settings?: undefined; problems: string[] } {
  const parsed = shape().safeParse(given)
  if (!parsed.success)
    return { problems: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'settings'}: ${message}`) }
  const settings = parsed.data as ConnectionSettings
  const missing = NEEDED[settings.protocol].filter((name) => settings[name] === undefined)
  const problems = missing.map((name) => `${name}: is required for ${settings.protocol}`)
  if (settings.issuer?.includes('{')) problems.push('issuer: has an unreplaced placeholder')
  if (settings.auth_method === 'apple' && !settings.apple) problems.push('apple: team_id and key_id are required')
  if (settings.saml?.name_id_format === 'transient' && !settings.saml.attributes?.subject)
    problems.push('saml.attributes.subject: is required with transient name IDs')
  return problems.length > 0 ? { problems } : { settings }
}
