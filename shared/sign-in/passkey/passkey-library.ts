// Loaded only when a passkey is registered or presented.
export { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
