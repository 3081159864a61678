import { type CacheProvider, type Profile, SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import type { Gateway } from '../gateway.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import type { SsoFlow } from './flow.ts'
import { providerFault } from './oauth-client.ts'
import type { ExternalProfile } from './profile.ts'

const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const TRANSIENT = /nameid-format:transient$/
const EMAIL_FORMAT = /nameid-format:emailAddress$/
const MAILS = [
  'mail',
  'email',
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
]
const NAMES = [
  'displayName',
  'name',
  'cn',
  'urn:oid:2.16.840.1.113730.3.1.241',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
]

/** The only request that an answer may be to: the one that this browser's flow remembers. */
function requestOf(flow: Pick<SsoFlow, 'requestId'>): CacheProvider {
  return {
    saveAsync: async (key) => {
      flow.requestId = key
      return { value: key, createdAt: Date.now() }
    },
    getAsync: async (key) => (key === flow.requestId ? new Date().toISOString() : null),
    removeAsync: async (key) => {
      flow.requestId = undefined
      return key
    },
  }
}

export const samlAddress = ({ issuer }: Gateway, slug: string, what: 'acs' | 'metadata' | 'slo') =>
  `${issuer}/v1/auth/saml/${slug}/${what}`

/**
 * The service provider of a connection (SAML 2.0): assertions must be signed by the provider's key, for us, in answer to our request.
 * @param flow where the id of the request is written to and read from
 */
export function samlOf(gateway: Gateway, { slug, settings }: ConnectionRow, flow: Pick<SsoFlow, 'requestId'>): SAML {
  const { saml } = settings
  if (!saml) throw providerFault('no SAML settings')
  return new SAML({
    callbackUrl: samlAddress(gateway, slug, 'acs'),
    issuer: samlAddress(gateway, slug, 'metadata'),
    audience: samlAddress(gateway, slug, 'metadata'),
    entryPoint: saml.entry_point,
    idpCert: saml.certificates,
    idpIssuer: saml.idp_issuer,
    logoutUrl: saml.logout_url ?? saml.entry_point,
    logoutCallbackUrl: samlAddress(gateway, slug, 'slo'),
    identifierFormat: PERSISTENT,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: 600_000,
    acceptedClockSkewMs: 30_000,
    maxAssertionAgeMs: 300_000,
    disableRequestedAuthnContext: true,
    cacheProvider: requestOf(flow),
  })
}

const first = (profile: Profile, names: string[]) => {
  const values = names.map((name) => [profile[name]].flat()[0])
  return values.find((value): value is string => typeof value === 'string' && value !== '')
}

/** Who an assertion is about. A name that changes with every sign-in identifies nobody. */
export function profileOfSaml(profile: Profile): ExternalProfile {
  const { nameID, nameIDFormat } = profile
  if (!nameID || TRANSIENT.test(nameIDFormat ?? '')) throw providerFault('SAML: no lasting name id')
  const email = first(profile, MAILS) ?? (EMAIL_FORMAT.test(nameIDFormat ?? '') ? nameID : undefined)
  return {
    externalId: nameID,
    email,
    emailVerified: email !== undefined,
    name: first(profile, NAMES),
    sessionIndex: profile.sessionIndex,
  }
}
