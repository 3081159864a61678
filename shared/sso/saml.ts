import type { CacheProvider, Profile, SAML } from '@node-saml/node-saml'
import type { Gateway } from '../gateway.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import type { SsoFlow } from './flow.ts'
import { providerFault } from './oauth-client.ts'
import { addressOf, type ExternalProfile, idOf } from './profile.ts'

const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
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
export async function samlOf(
  gateway: Gateway,
  { slug, settings }: ConnectionRow,
  flow: Pick<SsoFlow, 'requestId'>,
): Promise<SAML> {
  const { saml } = settings
  if (!saml) throw providerFault('no SAML settings')
  const { SAML, ValidateInResponseTo } = await import('./saml-library.ts')
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

type Confirmation = { $?: { Method?: string }; SubjectConfirmationData?: { $?: Record<string, string> }[] }

/**
 * Holds that the signed part itself names our request and our address (SAML Profiles section 4.1.4.3). The library takes the word of the
 * response, which nobody signed, where the assertion names no request.
 * @throws GatewayError provider_failed
 */
export function checkConfirmation(profile: Profile, expected: { requestId?: string; recipient: string }): void {
  const assertion = profile.getAssertion?.() as { Assertion?: { Subject?: { SubjectConfirmation?: Confirmation[] }[] } }
  const confirmations = assertion?.Assertion?.Subject?.[0]?.SubjectConfirmation ?? []
  const fits = confirmations.some(({ $, SubjectConfirmationData: [data] = [] }) => {
    const { InResponseTo, Recipient } = data?.$ ?? {}
    const isAnswer = expected.requestId !== undefined && InResponseTo === expected.requestId
    return $?.Method === BEARER && isAnswer && Recipient === expected.recipient
  })
  if (!fits) throw providerFault('SAML: not confirmed for this request at this address')
}

const first = (profile: Profile, names: string[]) => {
  const values = names.map((name) => [profile[name]].flat()[0])
  return values.find((value): value is string => typeof value === 'string' && value !== '')
}

/** Who an assertion is about. A name that changes with every sign-in identifies nobody. */
export function profileOfSaml(profile: Profile): ExternalProfile {
  const { nameIDFormat } = profile
  const nameID = idOf(profile.nameID)
  if (!nameID || TRANSIENT.test(nameIDFormat ?? '')) throw providerFault('SAML: no lasting name id')
  const email = addressOf(first(profile, MAILS) ?? (EMAIL_FORMAT.test(nameIDFormat ?? '') ? nameID : undefined))
  return {
    externalId: nameID,
    email,
    emailVerified: email !== undefined,
    name: first(profile, NAMES),
    upstream: { account: nameID, session: idOf(profile.sessionIndex) },
  }
}
