import { createHmac, randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import type { CacheProvider, Profile, SAML } from '@node-saml/node-saml'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import type { SamlSettings } from '../domain/connection.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { ExternalProfile } from '../people/profile.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import type { SsoFlow } from './flow.ts'
import { providerError } from './oauth-client.ts'
import { profileOfSaml } from './saml-attributes.ts'
import { decryptElement } from './saml-decrypt.ts'
import { openConnectionKeys } from './saml-keys.ts'
import { checkAlgorithms, checkMessage, type ExpectedMessage } from './saml-message.ts'
import { serviceMetadata } from './saml-metadata.ts'
import { attributeOf, fail, NS, one, optional, parseXml } from './saml-xml.ts'

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
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
  if (!saml) throw providerError('no SAML settings')
  return saml
}

const macOf = ({ ring }: Gateway, slug: string, random: string) =>
  createHmac('sha256', ring.key('saml-id')).update(`${slug} ${random}`).digest('hex').slice(0, 32)

/** Creates a request id that can later be recognized as ours. */
function newId(gateway: Gateway, slug: string): string {
  const random = randomBytes(16).toString('hex')
  return `_${random}${macOf(gateway, slug, random)}`
}

/** Whether a response refers to our request to this provider. */
function isOurRequest(gateway: Gateway, slug: string, id: string): boolean {
  const [, random = '', mac = ''] = /^_([0-9a-f]{32})([0-9a-f]{32})$/.exec(id) ?? []
  return equalHash(macOf(gateway, slug, random), mac)
}

/** An assertion may answer only the request stored in this browser's flow; a sign-out may answer any request of ours. */
function requestOf(gateway: Gateway, slug: string, flow: Pick<SsoFlow, 'requestId'> | undefined): CacheProvider {
  const known = (key: string | null) =>
    key !== null && (flow ? key === flow.requestId : isOurRequest(gateway, slug, key))
  return {
    saveAsync: async (key) => {
      if (flow) flow.requestId = key
      return { value: key, createdAt: gateway.now().getTime() }
    },
    getAsync: async (key) => (known(key) ? gateway.now().toISOString() : null),
    removeAsync: async (key) => {
      if (flow) flow.requestId = undefined
      return key
    },
  }
}

export const samlAddress = ({ issuer }: Gateway, slug: string, what: 'acs' | 'metadata' | 'slo') =>
  `${issuer}/v1/auth/saml/${slug}/${what}`

/**
 * Returns the service provider of a connection (SAML 2.0): an assertion must be signed by the provider's key, directly or with its
 * response, and issued to us in response to our request.
 * @param flow stores the id of the request; undefined for a sign-out
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

/** Returns our metadata for a connection. It asks for signed assertions; a signed response is also accepted. */
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

type Expected = Pick<ExpectedMessage, 'issuer' | 'allowSha1' | 'skewMs' | 'now'>

/** Returns what every message of a provider must match. */
function expectedOf(gateway: Gateway, connection: ConnectionRow): Expected {
  const saml = samlSettings(connection)
  return { issuer: saml.idp_issuer, allowSha1: saml.allow_sha1 ?? false, skewMs: skewOf(saml), now: gateway.now() }
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
 * Checks that the signed part itself is SAML 2.0 from this provider, has an authentication statement, and names our request and address
 * in time (SAML Profiles section 4.1.4.3). The library checks some of this only on the response, which may be unsigned.
 * @throws GatewayError provider_failed
 */
function checkAssertion(
  profile: Profile,
  { callback, requestId }: Pick<SsoFlow, 'callback' | 'requestId'>,
  { issuer, skewMs, now }: Expected,
) {
  const { Assertion: assertion } = (profile.getAssertion?.() ?? {}) as { Assertion?: Assertion }
  if (assertion?.$?.Version !== '2.0') throw providerError('SAML: the assertion is not SAML 2.0')
  if (profile.issuer?.trim() !== issuer) throw providerError('SAML: the assertion is from another provider')
  if (!assertion.AuthnStatement?.[0]) throw providerError('SAML: the assertion has no authentication statement')
  const fits = (assertion.Subject?.[0]?.SubjectConfirmation ?? []).some(({ $, SubjectConfirmationData: data }) => {
    const { InResponseTo, Recipient, NotOnOrAfter = '', NotBefore } = data?.[0]?.$ ?? {}
    const isAnswer = requestId !== undefined && InResponseTo === requestId
    const inTime = NotBefore === undefined && Date.parse(NotOnOrAfter) + skewMs > now.getTime()
    return $?.Method === BEARER && isAnswer && Recipient === callback && inTime
  })
  if (!fits) throw providerError('SAML: not confirmed for this request at this address')
  const ends = assertion.AuthnStatement[0].$?.SessionNotOnOrAfter
  if (ends !== undefined && !(Date.parse(ends) + skewMs > now.getTime()))
    throw providerError("SAML: the provider's session has ended")
  return ends
}

/** Library methods, private by its types, for an assertion that was decrypted here. */
type Verifier = {
  getKeyInfosAsPem(): Promise<string[]>
  processValidlySignedAssertionAsync(
    assertion: string,
    response: string,
    inResponseTo: string | null,
  ): Promise<{ profile: Profile | null }>
}

/**
 * Returns what the provider's signature on an element covers; undefined without a signature.
 * @param xml the document of the element
 * @throws SamlError for an invalid signature
 */
async function signedXml(xml: string, element: Element, service: Verifier): Promise<string | undefined> {
  if (!optional(element, NS.signature, 'Signature')) return undefined
  const { getVerifiedXml } = await import('./saml-library.ts')
  return getVerifiedXml(xml, element, await service.getKeyInfosAsPem()) ?? fail('is not signed by the provider')
}

/**
 * Reads a response with an encrypted assertion. The response or the assertion in it must be signed. Only signed content is read, and
 * every signature present must be valid.
 * @throws SamlError, Error
 */
async function readEncrypted(
  gateway: Gateway,
  connection: ConnectionRow,
  service: Verifier,
  { xml, root }: { xml: string; root: Element },
): Promise<{ profile: Profile | null }> {
  const signedResponse = await signedXml(xml, root, service)
  const response = signedResponse === undefined ? root : await parseXml(signedResponse)
  if (optional(response, NS.assertion, 'Assertion')) fail('has more than one assertion')
  const keys = openConnectionKeys(gateway, connection).map(({ privateKey }) => privateKey)
  const text = decryptElement(one(response, NS.assertion, 'EncryptedAssertion'), keys)
  const assertion = await parseXml(text)
  if (assertion.namespaceURI !== NS.assertion || assertion.localName !== 'Assertion') fail('contains no assertion')
  checkAlgorithms(assertion, samlSettings(connection).allow_sha1 ?? false)
  const signedAssertion = await signedXml(text, assertion, service)
  if (signedResponse === undefined && signedAssertion === undefined) fail('is not signed by the provider')
  const inResponseTo = attributeOf(root, 'InResponseTo') ?? null
  return service.processValidlySignedAssertionAsync(signedAssertion ?? text, xml, inResponseTo)
}

/**
 * Returns the profile of the person that a posted response is about.
 * @param response in base64
 * @throws GatewayError provider_failed, provider_denied
 */
export async function readResponse(
  gateway: Gateway,
  connection: ConnectionRow,
  flow: SsoFlow,
  response: string,
): Promise<{ profile: ExternalProfile; assertion: string }> {
  const { callback, requestId } = flow
  const expected = expectedOf(gateway, connection)
  try {
    const xml = Buffer.from(response, 'base64').toString()
    const root = await checkMessage(xml, {
      ...expected,
      kind: 'Response',
      destination: callback,
      isAnswer: (id) => requestId !== undefined && id === requestId,
    })
    const service = await samlOf(gateway, connection, flow)
    const { profile } = optional(root, NS.assertion, 'EncryptedAssertion')
      ? await readEncrypted(gateway, connection, service as unknown as Verifier, { xml, root })
      : await service.validatePostResponseAsync({ SAMLResponse: response })
    if (!profile) throw providerError('SAML: no assertion')
    // The library forgets the id of the request while it reads the response.
    const notAfter = checkAssertion(profile, { callback, requestId }, expected)
    return {
      profile: profileOfSaml(profile, samlSettings(connection), notAfter),
      assertion: profile.getAssertionXml?.() ?? response,
    }
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    throw providerError(`SAML: ${cause instanceof Error ? cause.message : 'invalid'}`, cause)
  }
}

/**
 * Checks a logout message before its signature is verified.
 * @param sent as received: base64, and deflated in a query
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
    ...expectedOf(gateway, connection),
    kind: sent.kind,
    destination: samlAddress(gateway, slug, 'slo'),
    isAnswer: sent.kind === 'LogoutResponse' ? (id) => isOurRequest(gateway, slug, id) : undefined,
  })
  // The library verifies the signature of a query; a posted message may have one inside.
  await signedXml(xml.toString(), root, (await samlOf(gateway, connection, undefined)) as unknown as Verifier)
}
