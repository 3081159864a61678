import { GatewayError } from '../errors.ts'
import { attributeOf, descendants, fail, NS, one, optional, parseXml, textOf, timeOf } from './saml-xml.ts'

const AGE_MS = 300_000
const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:'
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const SIGNATURES = ['256', '384', '512'].flatMap((size) => [
  ...[`${MORE}rsa-sha${size}`, `${MORE}ecdsa-sha${size}`],
  `http://www.w3.org/2007/05/xmldsig-more#sha${size}-rsa-MGF1`,
])
const DIGESTS = ['xmlenc#sha256', 'xmldsig-more#sha384', 'xmlenc#sha512'].map(
  (one) => `http://www.w3.org/2001/04/${one}`,
)
const SHA1 = ['http://www.w3.org/2000/09/xmldsig#rsa-sha1', 'http://www.w3.org/2000/09/xmldsig#sha1']

export type ExpectedMessage = {
  kind: 'Response' | 'LogoutRequest' | 'LogoutResponse'
  /** Entity ID of the provider. */
  issuer: string
  destination: string
  /** Checks `InResponseTo`; undefined for a request. */
  isAnswer?: (inResponseTo: string) => boolean
  allowSha1: boolean
  skewMs: number
  now: Date
}

/** Checks that every signature in a message uses an accepted algorithm. */
export function checkAlgorithms(root: Element, allowSha1: boolean): void {
  const known = new Set([...SIGNATURES, ...DIGESTS, ...(allowSha1 ? SHA1 : [])])
  const used = [
    ...descendants(root, NS.signature, 'SignatureMethod'),
    ...[...descendants(root, NS.signature, 'Reference')].map((reference) =>
      one(reference, NS.signature, 'DigestMethod'),
    ),
  ].map((element) => attributeOf(element, 'Algorithm') ?? '')
  const wrong = used.find((name) => !known.has(name))
  if (wrong !== undefined)
    fail(SHA1.includes(wrong) ? 'is signed with SHA-1' : `is signed with "${wrong.slice(0, 100)}"`)
}

function checkStatus(root: Element): void {
  const code = one(one(root, NS.protocol, 'Status'), NS.protocol, 'StatusCode')
  const value = attributeOf(code, 'Value') ?? ''
  if (value === `${STATUS}Success`) return
  const inner = attributeOf(optional(code, NS.protocol, 'StatusCode'), 'Value') ?? ''
  const message = textOf(optional(one(root, NS.protocol, 'Status'), NS.protocol, 'StatusMessage')) ?? ''
  const reason = [value, inner, message]
    .map((text) => text.replace(STATUS, '').slice(0, 200))
    .join(' ')
    .trim()
  if (inner === `${STATUS}RequestDenied`) throw new GatewayError('provider_denied', { reason: `SAML: ${reason}` })
  fail(`has the status ${reason}`)
}

function checkIssuer(root: Element, { kind, issuer }: ExpectedMessage): void {
  const found = optional(root, NS.assertion, 'Issuer')
  // Only an unsigned response without encrypted parts may leave it out (SAML Profiles section 4.1.4.2).
  const needed =
    kind !== 'Response' ||
    optional(root, NS.signature, 'Signature') !== undefined ||
    optional(root, NS.assertion, 'EncryptedAssertion') !== undefined
  if (!found && !needed) return
  if (textOf(found)?.trim() !== issuer) fail(`is from "${textOf(found)?.slice(0, 200) ?? ''}"`)
  const format = attributeOf(found, 'Format')
  if (format && format !== 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity')
    fail('has an issuer that is not an entity')
}

/**
 * Checks a message of any kind before its signature is verified: one XML document without a document type, SAML 2.0, recent, from this
 * provider, to this address, in response to our request, successful, and without weak signatures.
 * @throws SamlError, GatewayError provider_denied
 * @see SAML Core section 3.2, SAML Profiles sections 4.1.4.2 and 4.4.4
 */
export async function checkMessage(xml: string, expected: ExpectedMessage): Promise<Element> {
  const { kind, destination, isAnswer, allowSha1, skewMs, now } = expected
  const root = await parseXml(xml)
  if (root.namespaceURI !== NS.protocol || root.localName !== kind) fail(`is a ${root.localName}`)
  if (attributeOf(root, 'Version') !== '2.0') fail('is not SAML 2.0')
  if (!attributeOf(root, 'ID')) fail('has no ID')
  const issued = timeOf(root, 'IssueInstant') ?? fail('has no IssueInstant')
  if (Math.abs(now.getTime() - issued) > AGE_MS + skewMs) fail('is too old, or from the future')
  checkIssuer(root, expected)
  const sentTo = attributeOf(root, 'Destination')
  if (sentTo === undefined && optional(root, NS.signature, 'Signature')) fail('is signed for no address')
  if (sentTo !== undefined && sentTo !== destination) fail('is for another address')
  if (isAnswer && !isAnswer(attributeOf(root, 'InResponseTo') ?? '')) fail('answers another request')
  if (kind !== 'LogoutRequest') checkStatus(root)
  checkAlgorithms(root, allowSha1)
  return root
}
