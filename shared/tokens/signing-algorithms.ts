/** Algorithms for client assertions and DPoP proofs: asymmetric only. `Ed25519` is the newer name of `EdDSA` (RFC 9864). */
export const CLIENT_SIGNING_ALGORITHMS = ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519']
