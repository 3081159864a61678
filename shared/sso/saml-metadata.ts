import { escapeXml } from './saml-xml.ts'

const BINDINGS = 'urn:oasis:names:tc:SAML:2.0:bindings'
/** Supported encryption algorithms, best first. */
const CIPHERS = [
  ...['aes256-gcm', 'aes128-gcm'].map((name) => `http://www.w3.org/2009/xmlenc11#${name}`),
  ...['aes256-cbc', 'aes128-cbc'].map((name) => `http://www.w3.org/2001/04/xmlenc#${name}`),
  'http://www.w3.org/2009/xmlenc11#rsa-oaep',
  'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
]

type ServiceMetadataInput = {
  entityId: string
  acs: string
  slo: string
  /** Undefined if the provider chooses. */
  nameIdFormat?: string
  keys: { status: 'next' | 'active' | 'previous'; certificate: string }[]
}

const keyDescriptor = (use: 'signing' | 'encryption', certificate: string) => {
  const body = certificate.replace(/-----[^-]+-----|\s/g, '')
  const methods = use === 'signing' ? '' : CIPHERS.map((one) => `<md:EncryptionMethod Algorithm="${one}"/>`).join('')
  return `<md:KeyDescriptor use="${use}"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>${methods}</md:KeyDescriptor>`
}

/**
 * Builds our metadata for a connection (SAML Metadata section 2.4.4). It lists every signing key, including the next one, so that a
 * provider knows it before it is used. Assertions are encrypted for the active key.
 */
export function serviceMetadata({ entityId, acs, slo, nameIdFormat, keys }: ServiceMetadataInput): string {
  const active = keys.filter(({ status }) => status === 'active')
  const descriptors = [
    ...[...active, ...keys.filter(({ status }) => status !== 'active')].map((one) =>
      keyDescriptor('signing', one.certificate),
    ),
    ...active.map((one) => keyDescriptor('encryption', one.certificate)),
  ]
  const logout = ['HTTP-Redirect', 'HTTP-POST'].map(
    (binding) => `<md:SingleLogoutService Binding="${BINDINGS}:${binding}" Location="${escapeXml(slo)}"/>`,
  )
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${escapeXml(entityId)}">`,
    `<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="${active.length > 0}" WantAssertionsSigned="true">`,
    ...descriptors,
    ...logout,
    ...(nameIdFormat ? [`<md:NameIDFormat>${nameIdFormat}</md:NameIDFormat>`] : []),
    `<md:AssertionConsumerService index="1" isDefault="true" Binding="${BINDINGS}:HTTP-POST" Location="${escapeXml(acs)}"/>`,
    '</md:SPSSODescriptor>',
    '</md:EntityDescriptor>',
    '',
  ].join('\n')
}
