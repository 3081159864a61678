// Named, so that the bundle contains nothing else. Loaded only when a proof of work is requested or sent.
export { createChallenge, verifySolution } from 'altcha-lib'
export { deriveKey } from 'altcha-lib/algorithms/pbkdf2'
