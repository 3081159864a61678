// By name, so that the bundle of CommonJS packages exports them: only what speaks SAML loads it.
export { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
// The verifier of the library, which returns what was signed and nothing else.
export { getVerifiedXml } from '@node-saml/node-saml/lib/xml.js'
export { DOMParser } from '@xmldom/xmldom'
