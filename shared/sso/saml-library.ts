// Named, so that the bundle of CommonJS packages exports them. Only SAML code loads this.
export { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
// The library's verifier, which returns only the signed XML.
export { getVerifiedXml } from '@node-saml/node-saml/lib/xml.js'
export { DOMParser } from '@xmldom/xmldom'
