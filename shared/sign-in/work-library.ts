// By name, so that no more of it is taken along: only who asks for or brings a proof of work loads it.
export { createChallenge, verifySolution } from 'altcha-lib'
export { deriveKey } from 'altcha-lib/algorithms/pbkdf2'
