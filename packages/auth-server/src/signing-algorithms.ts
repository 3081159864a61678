/** Algorithms for client assertions and DPoP proofs: asymmetric only. `Ed25519` is the newer name of `EdDSA` (RFC 9864). */
export const CLIENT_SIGNING_ALGORITHMS = ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519']

/** The members of a private or symmetric JWK (RFC 7518 section 6). */
export const PRIVATE_JWK_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
