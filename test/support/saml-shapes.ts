import { createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import { escapeXml } from '../../shared/sso/saml-xml.ts'
import type { createSamlProvider } from './saml-provider.ts'

const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256'
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'

/** What a provider puts into its responses; each provider has its own way of it. */
export type Shape = {
  sign: 'assertion' | 'response' | 'both'
  nameId: { value: string; format?: string; nameQualifier?: string; spNameQualifier?: string }
  attributes: Record<string, string[]>
  sessionIndex?: string
  /** Encrypts the assertion, once it is signed if it is. */
  encrypt?: Encryption
}

export type Encryption = {
  /** PEM. */
  certificate: string
  block: 'aes128-cbc' | 'aes256-cbc' | 'aes128-gcm' | 'aes256-gcm' | 'tripledes-cbc'
  /** SHA-1 throughout, SHA-256 throughout, or PKCS #1 1.5. */
  transport: 'rsa-oaep-mgf1p' | 'rsa-oaep' | 'rsa-1_5'
  /** Where the encrypted key is. */
  keyBeside?: boolean
}

/** What a test spoils. */
export type Changes = {
  inResponseTo: string
  destination?: string
  status?: string
  statusMore?: string
  responseIssuer?: string
  assertionIssuer?: string
  version?: string
  assertionVersion?: string
  issuedAt?: number
  sessionEnds?: number
  signature?: string
  digest?: string
  authn?: string
  before?: string
}

const attribute = (name: string, value: string | undefined) =>
  value === undefined ? '' : ` ${name}="${escapeXml(value)}"`
const time = (at: number) => new Date(at).toISOString()

/** The base64 of a response as a provider would send it, with its signature where that provider has it. */
export function shapedResponse(
  provider: ReturnType<typeof createSamlProvider>,
  shape: Shape,
  changes: Changes,
): string {
  const { acs, entityId, issuer } = provider.names
  const now = changes.issuedAt ?? Date.now()
  const { value, format, nameQualifier, spNameQualifier } = shape.nameId
  const qualifiers = `${attribute('Format', format)}${attribute('NameQualifier', nameQualifier)}${attribute('SPNameQualifier', spNameQualifier)}`
  const attributes = Object.entries(shape.attributes)
    .map(([name, values]) => {
      const inner = values.map((one) => `<saml:AttributeValue>${escapeXml(one)}</saml:AttributeValue>`).join('')
      return `<saml:Attribute${attribute('Name', name)}>${inner}</saml:Attribute>`
    })
    .join('')
  const ends = changes.sessionEnds === undefined ? undefined : time(changes.sessionEnds)
  const authn =
    changes.authn ??
    `<saml:AuthnStatement AuthnInstant="${time(now)}"${attribute('SessionIndex', shape.sessionIndex)}${attribute('SessionNotOnOrAfter', ends)}><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`
  const assertion = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a${crypto.randomUUID()}" Version="${changes.assertionVersion ?? '2.0'}" IssueInstant="${time(now)}"><saml:Issuer>${changes.assertionIssuer ?? issuer}</saml:Issuer><saml:Subject><saml:NameID${qualifiers}>${escapeXml(value)}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="${time(now + 300_000)}" Recipient="${acs}" InResponseTo="${changes.inResponseTo}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${time(now)}" NotOnOrAfter="${time(now + 300_000)}"><saml:AudienceRestriction><saml:Audience>${entityId}</saml:Audience></saml:AudienceRestriction></saml:Conditions>${authn}<saml:AttributeStatement>${attributes}</saml:AttributeStatement></saml:Assertion>`
  const status = changes.status ?? 'urn:oasis:names:tc:SAML:2.0:status:Success'
  const stated =
    status === ''
      ? ''
      : `<samlp:Status><samlp:StatusCode Value="${status}">${changes.statusMore ?? ''}</samlp:StatusCode></samlp:Status>`
  const responseIssuer = changes.responseIssuer ?? issuer
  const issued =
    responseIssuer === ''
      ? ''
      : `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${responseIssuer}</saml:Issuer>`
  const destination = attribute('Destination', changes.destination === '' ? undefined : (changes.destination ?? acs))
  let xml = `${changes.before ?? ''}<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r${crypto.randomUUID()}" Version="${changes.version ?? '2.0'}" IssueInstant="${time(now)}"${destination} InResponseTo="${changes.inResponseTo}">${issued}${stated}${assertion}</samlp:Response>`
  if (shape.sign !== 'response') xml = signedXml(xml, 'Assertion', provider.key, changes)
  const { encrypt } = shape
  if (encrypt) xml = xml.replace(/<saml:Assertion [\s\S]*<\/saml:Assertion>/, (text) => encrypted(text, encrypt))
  if (shape.sign !== 'assertion') xml = signedXml(xml, 'Response', provider.key, changes)
  return Buffer.from(xml).toString('base64')
}

const XMLENC = 'http://www.w3.org/2001/04/xmlenc#'
const XMLENC11 = 'http://www.w3.org/2009/xmlenc11#'

function encrypted(text: string, { certificate, block, transport, keyBeside }: Encryption): string {
  const [, bits = '192', mode = 'cbc'] = /^aes(\d+)-(\w+)$/.exec(block) ?? []
  const key = randomBytes(Number(bits) / 8)
  const iv = randomBytes(mode === 'gcm' ? 12 : 16)
  const cipher = createCipheriv(`aes-${bits}-${mode}` as 'aes-256-gcm', key, iv)
  const body = Buffer.concat([cipher.update(text), cipher.final()])
  const data = Buffer.concat([iv, body, mode === 'gcm' ? cipher.getAuthTag() : Buffer.alloc(0)]).toString('base64')
  const padding = transport === 'rsa-1_5' ? 1 : 4
  const oaepHash = padding === 1 ? undefined : transport === 'rsa-oaep' ? 'sha256' : 'sha1'
  const wrapped = publicEncrypt({ key: certificate, padding, oaepHash }, key).toString('base64')
  const details =
    transport === 'rsa-oaep'
      ? `<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="${XMLENC}sha256"/><e11:MGF xmlns:e11="${XMLENC11}" Algorithm="${XMLENC11}mgf1sha256"/>`
      : ''
  const transportName = transport === 'rsa-oaep' ? `${XMLENC11}rsa-oaep` : `${XMLENC}${transport}`
  const blockName = `${mode === 'gcm' ? XMLENC11 : XMLENC}${block}`
  const value = (content: string) =>
    `<xenc:CipherData><xenc:CipherValue>${content}</xenc:CipherValue></xenc:CipherData>`
  const encryptedKey = `<xenc:EncryptedKey xmlns:xenc="${XMLENC}" Id="_k"><xenc:EncryptionMethod Algorithm="${transportName}">${details}</xenc:EncryptionMethod>${value(wrapped)}</xenc:EncryptedKey>`
  const info = keyBeside
    ? '<ds:RetrievalMethod URI="#_k" Type="http://www.w3.org/2001/04/xmlenc#EncryptedKey"/>'
    : encryptedKey
  return `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData xmlns:xenc="${XMLENC}" Type="${XMLENC}Element"><xenc:EncryptionMethod Algorithm="${blockName}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">${info}</ds:KeyInfo>${value(data)}</xenc:EncryptedData>${keyBeside ? encryptedKey : ''}</saml:EncryptedAssertion>`
}

export function signedXml(
  xml: string,
  part: string,
  privateKey: string,
  { signature, digest }: Pick<Changes, 'signature' | 'digest'>,
): string {
  const signer = new SignedXml({
    privateKey,
    signatureAlgorithm: signature ?? RSA_SHA256,
    canonicalizationAlgorithm: EXCLUSIVE,
  })
  const xpath = `//*[local-name(.)='${part}']`
  signer.addReference({ xpath, transforms: [ENVELOPED, EXCLUSIVE], digestAlgorithm: digest ?? SHA256 })
  const issuer = `${xpath}/*[local-name(.)='Issuer']`
  const hasIssuer = part === 'Assertion' || xml.indexOf('<saml:Issuer') < xml.indexOf('<saml:Assertion')
  const location = hasIssuer
    ? ({ reference: issuer, action: 'after' } as const)
    : ({ reference: xpath, action: 'prepend' } as const)
  signer.computeSignature(xml, { location })
  return signer.getSignedXml()
}
