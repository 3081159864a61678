// By name, so that the bundle of CommonJS packages exports them: only what speaks SAML loads it.
export { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
export { DOMParser } from '@xmldom/xmldom'
