/** RFC 8693 section 2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** RFC 8628 section 3.4. */
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/** RFC 7523 section 2.1; used only for ID-JAG. */
export const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Grant types of the token endpoint. */
export const SUPPORTED_GRANT_TYPES = [
  'authorization_code',
  'refresh_token',
  DEVICE_CODE,
  'client_credentials',
  TOKEN_EXCHANGE,
  JWT_BEARER_GRANT,
]
