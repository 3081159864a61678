import { createHmac, randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import type { CacheProvider, Profile, SAML } from '@node-saml/node-saml'
import type { SamlSettings } from '../domain/connection.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { type ExternalProfile, idOf } from '../people/profile.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { equalHash } from '../tokens/opaque.ts'
import type { SsoFlow } from './flow.ts'
import { providerFault } from './oauth-client.ts'
import { readAttributes } from './saml-attributes.ts'
import { decryptElement } from './saml-decrypt.ts'
import { openConnectionKeys } from './saml-keys.ts'
import { checkAlgorithms, checkMessage, type ExpectedMessage } from './saml-message.ts'
import { serviceMetadata } from './saml-metadata.ts'
import { attributeOf, NS, one, optional, parseXml, SamlError } from './saml-xml.ts'

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
const TRANSIENT = /nameid-format:transient$/
const MOST_BYTES = 256 * 1024
const FORMATS = {
  persistent: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  transient: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
  emailAddress: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  unspecified: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
  none: null,
}

const skewOf = ({ clock_skew_seconds = 120 }: SamlSettings) => clock_skew_seconds * 1000

function samlSettings({ settings: { saml } }: ConnectionRow): SamlSettings {
  if (!saml) throw providerFault('no SAML settings')
  return saml
}

const macOf = ({ derive }: Gateway, slug: string, random: string) =>
  createHmac('sha256', derive('saml-id')).update(`${slug} ${random}`).digest('hex').slice(0, 32)

/** An id of a request of ours, which later tells that it is. */
function newId(gateway: Gateway, slug: string): string {
  const random = randomBytes(16).toString('hex')
  return `_${random}${macOf(gateway, slug, random)}`
}

/** Whether an answer names a request of ours to this provider. */
export function isOurRequest(gateway: Gateway, slug: string, id: string): boolean {
  const [, random = '', mac = ''] = /^_([0-9a-f]{32})([0-9a-f]{32})$/.exec(id) ?? []
  return equalHash(macOf(gateway, slug, random), mac)
}

/** The only request that an assertion may answer is the one that this browser's flow remembers; a sign-out is one of ours. */
function requestOf(gateway: Gateway, slug: string, flow: Pick<SsoFlow, 'requestId'> | undefined): CacheProvider {
  const known = (key: string | null) =>
    key !== null && (flow ? key === flow.requestId : isOurRequest(gateway, slug, key))
  return {
    saveAsync: async (key) => {
      if (flow) flow.requestId = key
      return { value: key, createdAt: Date.now() }
    },
    getAsync: async (key) => (known(key) ? new Date().toISOString() : null),
    removeAsync: async (key) => {
      if (flow) flow.requestId = undefined
      return key
    },
  }
}

export const samlAddress = ({ issuer }: Gateway, slug: string, what: 'acs' | 'metadata' | 'slo') =>
  `${issuer}/v1/auth/saml/${slug}/${what}`

/**
 * The service provider of a connection (SAML 2.0): an assertion must be signed by the provider's key, itself or with its response, for
 * us, in answer to our request.
 * @param flow where the id of the request is written to and read from; undefined for a sign-out
 */
export async function samlOf(
  gateway: Gateway,
  connection: ConnectionRow,
  flow: Pick<SsoFlow, 'requestId'> | undefined,
): Promise<SAML> {
  const { slug } = connection
  const saml = samlSettings(connection)
  const { SAML, ValidateInResponseTo } = await import('./saml-library.ts')
  const key = openConnectionKeys(gateway, connection).find(({ status }) => status === 'active')
  return new SAML({
    ...(key && { privateKey: key.privateKey, signatureAlgorithm: 'sha256', digestAlgorithm: 'sha256' }),
    callbackUrl: samlAddress(gateway, slug, 'acs'),
    issuer: samlAddress(gateway, slug, 'metadata'),
    audience: samlAddress(gateway, slug, 'metadata'),
    entryPoint: saml.entry_point,
    idpCert: saml.certificates,
    idpIssuer: saml.idp_issuer,
    logoutUrl: saml.logout_url ?? saml.entry_point,
    logoutCallbackUrl: samlAddress(gateway, slug, 'slo'),
    identifierFormat: FORMATS[saml.name_id_format ?? 'persistent'],
    wantAssertionsSigned: false,
    wantAuthnResponseSigned: false,
    validateInResponseTo: ValidateInResponseTo.always,
    generateUniqueId: () => newId(gateway, slug),
    requestIdExpirationPeriodMs: 600_000,
    acceptedClockSkewMs: skewOf(saml),
    maxAssertionAgeMs: 300_000,
    disableRequestedAuthnContext: true,
    cacheProvider: requestOf(gateway, slug, flow),
  })
}

/** Our metadata at a connection. Assertions that are signed themselves are asked for; a signed response will do. */
export function samlMetadata(gateway: Gateway, connection: ConnectionRow): string {
  const address = (what: 'acs' | 'metadata' | 'slo') => samlAddress(gateway, connection.slug, what)
  return serviceMetadata({
    entityId: address('metadata'),
    acs: address('acs'),
    slo: address('slo'),
    nameIdFormat: FORMATS[samlSettings(connection).name_id_format ?? 'persistent'] ?? undefined,
    keys: connection.keys,
  })
}

/** What every message of a provider must be. */
function expectedOf(connection: ConnectionRow): Pick<ExpectedMessage, 'issuer' | 'allowSha1' | 'skewMs'> {
  const saml = samlSettings(connection)
  return { issuer: saml.idp_issuer, allowSha1: saml.allow_sha1 ?? false, skewMs: skewOf(saml) }
}

type Part<T> = T[] | undefined
type Assertion = {
  $?: { Version?: string }
  Subject?: Part<{
    SubjectConfirmation?: Part<{
      $?: { Method?: string }
      SubjectConfirmationData?: Part<{ $?: Record<string, string> }>
    }>
  }>
  AuthnStatement?: Part<{ $?: { SessionNotOnOrAfter?: string } }>
}

/**
 * Holds that the signed part itself is SAML 2.0 of this provider, says how somebody signed in, and names our request and address in time
 * (SAML Profiles section 4.1.4.3). The library takes the word of the response for some of it, which nobody need have signed.
 * @throws GatewayError provider_failed
 */
function checkAssertion(
  profile: Profile,
  issuer: string,
  flow: SsoFlow,
  requestId: string | undefined,
  skewMs: number,
) {
  const { Assertion: assertion } = (profile.getAssertion?.() ?? {}) as { Assertion?: Assertion }
  if (assertion?.$?.Version !== '2.0') throw providerFault('SAML: the assertion is not SAML 2.0')
  if (profile.issuer?.trim() !== issuer) throw providerFault('SAML: the assertion is from another provider')
  if (!assertion.AuthnStatement?.[0]) throw providerFault('SAML: the assertion is of no sign-in')
  const fits = (assertion.Subject?.[0]?.SubjectConfirmation ?? []).some(({ $, SubjectConfirmationData: data }) => {
    const { InResponseTo, Recipient, NotOnOrAfter = '', NotBefore } = data?.[0]?.$ ?? {}
    const isAnswer = requestId !== undefined && InResponseTo === requestId
    const inTime = NotBefore === undefined && Date.parse(NotOnOrAfter) + skewMs > Date.now()
    return $?.Method === BEARER && isAnswer && Recipient === flow.callback && inTime
  })
  if (!fits) throw providerFault('SAML: not confirmed for this request at this address')
  const ends = assertion.AuthnStatement[0].$?.SessionNotOnOrAfter
  if (ends !== undefined && !(Date.parse(ends) + skewMs > Date.now()))
    throw providerFault('SAML: the session there has ended')
  return ends
}

/** Who an assertion is about. A name that changes with every sign-in identifies nobody. */
function profileOfSaml(profile: Profile, { attributes }: SamlSettings, notAfter: string | undefined): ExternalProfile {
  const { nameIDFormat: format, nameQualifier, spNameQualifier } = profile
  const nameID = idOf(profile.nameID)
  const { subject, email, name } = readAttributes(profile, attributes)
  const lasting = nameID && !TRANSIENT.test(format ?? '') ? nameID : undefined
  const externalId = attributes?.subject ? idOf(subject) : lasting
  if (!externalId)
    throw providerFault(attributes?.subject ? `SAML: no ${attributes.subject}` : 'SAML: no lasting name id')
  return {
    externalId,
    email,
    emailVerified: email !== undefined,
    name: name?.slice(0, 500),
    notAfter,
    upstream: nameID
      ? { account: nameID, session: idOf(profile.sessionIndex), nameId: { format, nameQualifier, spNameQualifier } }
      : undefined,
  }
}

/** What of the library is used on an assertion that was decrypted here; it says that nobody need know of it. */
type Verifier = {
  getKeyInfosAsPem(): Promise<string[]>
  processValidlySignedAssertionAsync(
    assertion: string,
    response: string,
    inResponseTo: string | null,
  ): Promise<{ profile: Profile | null }>
}

/**
 * Reads a response with an encrypted assertion. Whoever signed it, the response around it or the assertion in it, only what was signed is
 * read; and a signature that is there must be good.
 * @throws SamlError, Error
 */
async function readEncrypted(
  gateway: Gateway,
  connection: ConnectionRow,
  service: Verifier,
  { xml, root }: { xml: string; root: Element },
): Promise<{ profile: Profile | null }> {
  const { getVerifiedXml } = await import('./saml-library.ts')
  const trusted = await service.getKeyInfosAsPem()
  const verify = (text: string, element: Element): string | undefined => {
    if (!optional(element, NS.signature, 'Signature')) return undefined
    return getVerifiedXml(text, element, trusted) ?? unsigned()
  }
  const unsigned = (): never => {
    throw new SamlError('is not signed by the provider')
  }
  const signedResponse = verify(xml, root)
  const response = signedResponse === undefined ? root : await parseXml(signedResponse)
  if (optional(response, NS.assertion, 'Assertion')) throw new SamlError('has more than one assertion')
  const keys = openConnectionKeys(gateway, connection).map(({ privateKey }) => privateKey)
  const text = decryptElement(one(response, NS.assertion, 'EncryptedAssertion'), keys)
  const assertion = await parseXml(text)
  if (assertion.namespaceURI !== NS.assertion || assertion.localName !== 'Assertion')
    throw new SamlError('holds no assertion')
  checkAlgorithms(assertion, samlSettings(connection).allow_sha1 ?? false)
  const signedAssertion = verify(text, assertion)
  const read = signedAssertion ?? (signedResponse === undefined ? unsigned() : text)
  return service.processValidlySignedAssertionAsync(read, xml, attributeOf(root, 'InResponseTo') ?? null)
}

/**
 * Holds that the signature of a posted logout message, where there is one, is the provider's; in a query the library looks at it.
 * @throws SamlError
 */
async function checkLogoutSignature(xml: string, root: Element, certificates: string[]): Promise<void> {
  if (!optional(root, NS.signature, 'Signature')) return
  const { getVerifiedXml } = await import('./saml-library.ts')
  if (getVerifiedXml(xml, root, certificates) === null) throw new SamlError('is not signed by the provider')
}

/**
 * Who a posted response says has signed in.
 * @param response base64 of it
 * @throws GatewayError provider_failed, provider_denied
 */
export async function readResponse(
  gateway: Gateway,
  connection: ConnectionRow,
  flow: SsoFlow,
  response: string,
): Promise<{ profile: ExternalProfile; assertion: string }> {
  const saml = samlSettings(connection)
  const { requestId } = flow
  try {
    const xml = Buffer.from(response, 'base64').toString()
    const root = await checkMessage(xml, {
      ...expectedOf(connection),
      kind: 'Response',
      destination: flow.callback,
      isAnswer: (id) => requestId !== undefined && id === requestId,
    })
    const service = await samlOf(gateway, connection, flow)
    const { profile } = optional(root, NS.assertion, 'EncryptedAssertion')
      ? await readEncrypted(gateway, connection, service as unknown as Verifier, { xml, root })
      : await service.validatePostResponseAsync({ SAMLResponse: response })
    if (!profile) throw providerFault('SAML: no assertion')
    const notAfter = checkAssertion(profile, saml.idp_issuer, flow, requestId, skewOf(saml))
    return { profile: profileOfSaml(profile, saml, notAfter), assertion: profile.getAssertionXml?.() ?? response }
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    throw providerFault(`SAML: ${cause instanceof Error ? cause.message : 'invalid'}`, cause)
  }
}

/**
 * Holds that a logout message is what it must be, before its signature is looked at.
 * @param sent as it came: base64, and deflated in a query
 * @throws SamlError, Error
 */
export async function checkLogout(
  gateway: Gateway,
  connection: ConnectionRow,
  sent: { message: string; deflated: boolean; kind: 'LogoutRequest' | 'LogoutResponse' },
): Promise<void> {
  const bytes = Buffer.from(sent.message, 'base64')
  const xml = sent.deflated ? inflateRawSync(bytes, { maxOutputLength: MOST_BYTES }) : bytes
  const { slug } = connection
  const root = await checkMessage(xml.toString(), {
    ...expectedOf(connection),
    kind: sent.kind,
    destination: samlAddress(gateway, slug, 'slo'),
    isAnswer: sent.kind === 'LogoutResponse' ? (id) => isOurRequest(gateway, slug, id) : undefined,
  })
  const service = (await samlOf(gateway, connection, undefined)) as unknown as Verifier
  await checkLogoutSignature(xml.toString(), root, await service.getKeyInfosAsPem())
}
