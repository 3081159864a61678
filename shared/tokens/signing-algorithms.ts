/** What clients may sign assertions and proofs with: asymmetric only, `Ed25519` being the later name of `EdDSA` (RFC 9864). */
export const CLIENT_SIGNING_ALGORITHMS = ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519']
