// By name, so that the bundle of a CommonJS package exports them: only what speaks SAML loads it.
export { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
