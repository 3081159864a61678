/** The form field that an error is shown next to; `form` for the form as a whole. */
export type Field = 'email' | 'phone' | 'code' | 'password' | 'name' | 'form'

type Row = {
  status: number
  code: string
  oauth: string
  message: string
  field?: Field
  /** Shown on the sign-in page after a failed sign-in at an external provider. */
  atSignIn?: true
}

const row = (status: number, code: string, oauth: string, message: string, field?: Field): Row => ({
  ...{ status, code, oauth, message },
  ...(field && { field }),
})
const atSignIn = (one: Row): Row => ({ ...one, atSignIn: true })

/**
 * Every error of the gateway. `code` is the API dialect's, `oauth` the OAuth dialect's (RFC 6749 section 5.2 and
 * its extensions), `message` the sentence a client may show, `field` where a form shows it; without one, the error has a page of its own.
 * `atSignIn` marks errors that the sign-in page shows after a failed sign-in at an external provider. The reason is only logged.
 */
export const catalogue = {
  invalid_request: row(
    400,
    'INVALID_REQUEST',
    'invalid_request',
    'The request is missing something or is malformed.',
    'form',
  ),
  invalid_body: row(400, 'INVALID_BODY', 'invalid_request', 'The request body could not be read.'),
  invalid_client: row(401, 'INVALID_CLIENT', 'invalid_client', 'The client is unknown or could not be authenticated.'),
  invalid_grant: row(
    400,
    'INVALID_GRANT',
    'invalid_grant',
    'The code or token is invalid, expired, revoked or was issued to another client.',
  ),
  authorization_pending: row(400, 'AUTHORIZATION_PENDING', 'authorization_pending', 'The person has not decided yet.'),
  slow_down: row(400, 'SLOW_DOWN', 'slow_down', 'Please wait longer between two polls.'),
  expired_token: row(400, 'EXPIRED_TOKEN', 'expired_token', 'The device code has expired. Please start again.'),
  device_denied: row(400, 'DEVICE_DENIED', 'access_denied', 'The person has denied the request.'),
  paste_impossible: row(
    400,
    'PASTE_IMPOSSIBLE',
    'invalid_grant',
    'This sign-in has expired, was used before, or was begun in another browser. Please start again in the terminal.',
  ),
  state_archived: row(410, 'STATE_ARCHIVED', 'invalid_request', 'Sessions and tokens of that time are in the archive.'),
  sign_in_denied: atSignIn(
    row(403, 'SIGN_IN_DENIED', 'access_denied', 'Your organization does not allow this sign-in.', 'form'),
  ),
  more_proof_needed: atSignIn(
    row(
      403,
      'MORE_PROOF_NEEDED',
      'access_denied',
      'Your organization asks for one more proof. Please confirm with a code by e-mail.',
      'form',
    ),
  ),
  hook_unavailable: atSignIn(
    row(
      503,
      'HOOK_UNAVAILABLE',
      'temporarily_unavailable',
      'The sign-in could not be checked right now. Please try again shortly.',
      'form',
    ),
  ),
  provider_unknown: row(400, 'INVALID_PROVIDER', 'invalid_request', 'There is no such way to sign in.'),
  provider_failed: atSignIn(
    row(
      502,
      'PROVIDER_FAILED',
      'server_error',
      'The other sign-in service did not answer as it should. Please try again, or sign in another way.',
    ),
  ),
  provider_denied: atSignIn(
    row(403, 'PROVIDER_DENIED', 'access_denied', 'The sign-in was cancelled at the other service.'),
  ),
  sso_state_invalid: atSignIn(
    row(
      400,
      'OAUTH_STATE_ERROR',
      'invalid_request',
      'This sign-in has expired, was used before, or was begun in another browser. Please start again.',
    ),
  ),
  link_needed: atSignIn(
    row(
      409,
      'LINK_NEEDED',
      'invalid_request',
      'There is an account with this e-mail address already. Prove that the address is yours, and the two are linked.',
    ),
  ),
  connection_authority: row(
    409,
    'CONNECTION_AUTHORITY',
    'invalid_request',
    'Accounts of that connection are those of another provider. Add one of another name.',
  ),
  provider_reserved: row(
    409,
    'PROVIDER_RESERVED',
    'invalid_request',
    'People sign in with that provider: its accounts are linked by doing so.',
  ),
  sign_in_to_link: atSignIn(
    row(
      409,
      'SIGN_IN_TO_LINK',
      'invalid_request',
      'There is an account with this e-mail address already. Sign in to it, then connect the other one in your account.',
    ),
  ),
  signed_in_as_another: atSignIn(
    row(409, 'SIGNED_IN_AS_ANOTHER', 'invalid_request', 'You are signed in as another person here. Sign out first.'),
  ),
  not_provisioned: atSignIn(
    row(
      403,
      'NOT_PROVISIONED',
      'access_denied',
      'There is no account for you here yet. Ask your administrator.',
      'form',
    ),
  ),
  proof_needed: row(
    409,
    'PROOF_NEEDED',
    'invalid_request',
    'The address is known here. Send a token of the person with it, so that both sides are proven.',
  ),
  last_credential: row(
    409,
    'LAST_CREDENTIAL',
    'invalid_request',
    'This is the last way to sign in. Add another one first.',
    'form',
  ),
  credential_taken: atSignIn(
    row(
      409,
      'CREDENTIAL_TAKEN',
      'invalid_request',
      'This belongs to another identity. Prove both, and merge them.',
      'form',
    ),
  ),
  merge_impossible: row(
    409,
    'MERGE_IMPOSSIBLE',
    'invalid_request',
    'These identities cannot be merged as they are.',
    'form',
  ),
  merge_needs_step_up: row(
    409,
    'MERGE_NEEDS_STEP_UP',
    'invalid_request',
    'The account with this address is protected by an authenticator app. Sign in to it and add this address there.',
    'form',
  ),
  not_merged: row(409, 'NOT_MERGED', 'invalid_request', 'This identity is not part of another one.'),
  agent_unknown: row(
    400,
    'AGENT_UNKNOWN',
    'invalid_request',
    'There is no agent of that name that can prove who it is.',
    'form',
  ),
  too_many_agents: row(
    409,
    'TOO_MANY_AGENTS',
    'invalid_request',
    'There are too many agents. Cut one off first.',
    'form',
  ),
  user_code_invalid: row(
    400,
    'USER_CODE_INVALID',
    'invalid_grant',
    'The code is wrong, expired or already used.',
    'code',
  ),
  user_code_malformed: row(
    400,
    'USER_CODE_MALFORMED',
    'invalid_grant',
    'This is not a complete code. Please check it and enter it again.',
    'code',
  ),
  invalid_scope: row(400, 'INVALID_SCOPE', 'invalid_scope', 'The requested scope is invalid or not allowed.', 'form'),
  client_metadata_invalid: row(
    400,
    'INVALID_CLIENT_METADATA',
    'invalid_client_metadata',
    'The client metadata cannot be registered.',
  ),
  redirect_uri_unusable: row(
    400,
    'REDIRECT_URI_UNUSABLE',
    'invalid_redirect_uri',
    'One of the redirect URIs cannot be registered.',
  ),
  software_statement_unapproved: row(
    400,
    'UNAPPROVED_SOFTWARE_STATEMENT',
    'unapproved_software_statement',
    'Software statements are not accepted.',
  ),
  request_uri_invalid: row(
    400,
    'INVALID_REQUEST_URI',
    'invalid_request_uri',
    'This sign-in request has expired or was used before. Please start again in the application.',
  ),
  invalid_target: row(400, 'INVALID_TARGET', 'invalid_target', 'The requested resource is unknown or not allowed.'),
  unauthorized_client: row(
    400,
    'UNAUTHORIZED_CLIENT',
    'unauthorized_client',
    'The client is not authorized for this request.',
  ),
  unsupported_grant_type: row(
    400,
    'UNSUPPORTED_GRANT_TYPE',
    'unsupported_grant_type',
    'The grant type is not supported.',
  ),
  unsupported_response_type: row(
    400,
    'UNSUPPORTED_RESPONSE_TYPE',
    'unsupported_response_type',
    'The response type is not supported.',
  ),
  unsupported_token_type: row(
    400,
    'UNSUPPORTED_TOKEN_TYPE',
    'unsupported_token_type',
    'Tokens of this type cannot be revoked here.',
  ),
  admin_access_required: row(
    403,
    'ADMIN_ACCESS_REQUIRED',
    'access_denied',
    'Only operators can do this. Sign in and confirm with your authenticator app.',
  ),
  app_exists: row(409, 'APP_EXISTS', 'invalid_request', 'There is an application of that name already.'),
  access_denied: atSignIn(row(403, 'ACCESS_DENIED', 'access_denied', 'Access was denied.')),
  account_suspended: atSignIn(
    row(403, 'ACCOUNT_SUSPENDED', 'access_denied', 'This account is suspended. It cannot be used to sign in.'),
  ),
  not_an_operator: row(403, 'NOT_AN_OPERATOR', 'access_denied', 'Access was denied. Only operators can do this.'),
  operator_code_denied: row(
    403,
    'OPERATOR_CODE_DENIED',
    'access_denied',
    'You cannot make a code for this person.',
    'form',
  ),
  login_required: row(400, 'LOGIN_REQUIRED', 'login_required', 'Sign-in is needed.'),
  unmet_authentication_requirements: row(
    400,
    'UNMET_AUTHENTICATION_REQUIREMENTS',
    'unmet_authentication_requirements',
    'The requested authentication is not available.',
  ),
  consent_required: row(400, 'CONSENT_REQUIRED', 'consent_required', 'Consent is needed.'),
  interaction_required: row(400, 'INTERACTION_REQUIRED', 'interaction_required', 'Interaction is needed.'),
  account_selection_required: row(
    400,
    'ACCOUNT_SELECTION_REQUIRED',
    'account_selection_required',
    'An account must be chosen.',
  ),
  request_not_supported: row(
    400,
    'REQUEST_NOT_SUPPORTED',
    'request_not_supported',
    'The request parameter is not supported.',
  ),
  request_uri_not_supported: row(
    400,
    'REQUEST_URI_NOT_SUPPORTED',
    'request_uri_not_supported',
    'The request_uri parameter is not supported.',
  ),
  registration_not_supported: row(
    400,
    'REGISTRATION_NOT_SUPPORTED',
    'registration_not_supported',
    'The registration parameter is not supported.',
  ),
  invalid_token: row(401, 'AUTH_TOKEN_INVALID', 'invalid_token', 'The token is invalid or has expired.'),
  invalid_dpop_proof: row(400, 'INVALID_DPOP_PROOF', 'invalid_dpop_proof', 'The DPoP proof is missing or invalid.'),
  use_dpop_nonce: row(
    400,
    'USE_DPOP_NONCE',
    'use_dpop_nonce',
    'The DPoP proof must carry the nonce of the DPoP-Nonce header.',
  ),
  insufficient_user_authentication: row(
    401,
    'STEP_UP_REQUIRED',
    'insufficient_user_authentication',
    'A new code from your authenticator app is required.',
  ),
  insufficient_scope: row(403, 'SCOPE_INSUFFICIENT', 'insufficient_scope', 'The credential lacks a required scope.'),

  api_key_invalid: row(401, 'API_KEY_INVALID', 'invalid_token', 'The API key is invalid, expired or revoked.'),
  api_key_missing: row(400, 'API_KEY_MISSING', 'invalid_request', 'An API key is required.'),
  api_key_address: row(403, 'API_KEY_ADDRESS_NOT_ALLOWED', 'access_denied', 'The API key may not be used from here.'),
  api_key_exhausted: row(403, 'API_KEY_EXHAUSTED', 'access_denied', 'The API key has reached its usage limit.'),
  api_key_service: row(403, 'SERVICE_NOT_ALLOWED', 'access_denied', 'The API key is not for this service.'),
  api_key_binding_required: row(
    403,
    'BINDING_REQUIRED',
    'access_denied',
    'Keys that are not bound to a caller are not accepted here.',
  ),
  api_key_binding_mismatch: row(403, 'BINDING_MISMATCH', 'access_denied', 'The API key is bound to another caller.'),
  api_key_signature_required: row(
    401,
    'SIGNATURE_REQUIRED',
    'invalid_token',
    'Requests with this API key must be signed.',
  ),
  api_key_signature_invalid: row(
    401,
    'SIGNATURE_INVALID',
    'invalid_token',
    'The signature of the request is wrong, too old, or was used before.',
  ),
  invalid_name: row(400, 'INVALID_NAME', 'invalid_request', 'A name of 1 to 200 characters is required.', 'name'),
  invalid_organization: row(400, 'INVALID_ORGANIZATION', 'invalid_request', 'The organization is not one of yours.'),
  invalid_project_id: row(400, 'INVALID_PROJECT_ID', 'invalid_request', 'The project id is malformed.'),
  project_not_found: row(404, 'PROJECT_NOT_FOUND', 'invalid_request', 'There is no such project.'),
  project_conflict: row(409, 'PROJECT_CONFLICT', 'invalid_request', 'There is a project of this name already.'),
  too_many_projects: row(409, 'TOO_MANY_PROJECTS', 'invalid_request', 'There are too many projects. Delete one first.'),
  not_owner: row(403, 'NOT_OWNER', 'access_denied', 'Only the owner of the project may do this.'),
  invalid_value: row(400, 'INVALID_VALUE', 'invalid_request', 'A value of at most 48,000 characters is required.'),
  invalid_key_id: row(400, 'INVALID_KEY_ID', 'invalid_request', 'The key id is malformed.'),
  key_conflict: row(409, 'KEY_CONFLICT', 'invalid_request', 'There is a key of this name in the project already.'),
  webhook_signature_invalid: row(
    401,
    'WEBHOOK_SIGNATURE_INVALID',
    'invalid_request',
    'The signature of the message is wrong.',
  ),
  key_not_found: row(404, 'KEY_NOT_FOUND', 'invalid_request', 'There is no such key.'),
  key_exists: row(409, 'KEY_EXISTS', 'invalid_request', 'There is an active key of this name already.', 'name'),
  key_not_active: row(409, 'KEY_NOT_ACTIVE', 'invalid_request', 'The key is no longer active.', 'form'),
  too_many_keys: row(
    409,
    'TOO_MANY_KEYS',
    'invalid_request',
    'There are too many active keys. Delete one first.',
    'form',
  ),
  invalid_service: row(400, 'INVALID_SERVICE', 'invalid_request', 'One of the services is not known.'),
  service_unknown: row(404, 'SERVICE_UNKNOWN', 'invalid_request', 'There is no such service here.'),
  service_rate_limited: row(429, 'RATE_LIMIT_EXCEEDED', 'rate_limit_exceeded', 'Too many requests to this service.'),
  routing_failed: row(500, 'ROUTING_FAILURE', 'server_error', 'The service did not answer. Please try again shortly.'),
  provider_logout_failed: atSignIn(
    row(
      502,
      'PROVIDER_LOGOUT_FAILED',
      'server_error',
      'You are signed out here. The other provider did not confirm that you are signed out there.',
    ),
  ),
  service_answer_unusable: row(
    502,
    'SERVICE_ANSWER_UNUSABLE',
    'server_error',
    'The service returned an invalid response.',
  ),
  derivation_exceeded: row(
    403,
    'DERIVATION_EXCEEDED',
    'invalid_request',
    'A derived or changed credential cannot have more access or last longer than the credential it comes from.',
  ),
  scope_not_allowed: row(
    403,
    'SCOPE_NOT_ALLOWED',
    'invalid_scope',
    'A key cannot hold more than its creator has.',
    'form',
  ),

  credentials_invalid: row(
    401,
    'AUTH_INVALID_CREDENTIALS',
    'invalid_grant',
    'The e-mail address or the password is wrong.',
    'password',
  ),
  missing_credentials: row(
    400,
    'MISSING_CREDENTIALS',
    'invalid_request',
    'An e-mail address and a password are required.',
    'form',
  ),
  email_not_confirmed: row(
    403,
    'EMAIL_NOT_CONFIRMED',
    'access_denied',
    'The address is not confirmed yet. Follow the link in the mail that was sent to it.',
    'email',
  ),
  weak_password: row(400, 'WEAK_PASSWORD', 'invalid_request', 'The password is too weak.', 'password'),
  passwords_differ: row(400, 'PASSWORDS_DIFFER', 'invalid_request', 'The two passwords differ.', 'password'),
  recovery_invalid: row(
    400,
    'LINK_INVALID',
    'invalid_grant',
    'The link has expired or was used before. Please ask for a new one.',
    'form',
  ),
  magic_link_state_missing: row(400, 'MAGIC_LINK_STATE_MISSING', 'invalid_request', 'state is required.'),
  magic_link_state_invalid: row(
    400,
    'MAGIC_LINK_STATE_INVALID',
    'invalid_grant',
    'The link has expired or was used before. Please ask for a new one.',
  ),
  magic_link_email_mismatch: row(
    403,
    'MAGIC_LINK_EMAIL_MISMATCH',
    'access_denied',
    'The link was sent to another address.',
  ),
  passwords_disabled: row(
    404,
    'PASSWORDS_DISABLED',
    'unauthorized_client',
    'Signing in with a password is not offered here.',
  ),
  sync_not_configured: row(500, 'SYNC_NOT_CONFIGURED', 'server_error', 'Webhooks are not configured here.'),
  token_invalid: row(401, 'TOKEN_INVALID', 'invalid_token', 'The token is invalid or has expired.'),
  webhook_unauthorized: row(401, 'UNAUTHORIZED', 'access_denied', 'Unauthorized'),
  token_required: row(401, 'AUTH_TOKEN_MISSING', 'invalid_request', 'No token provided'),
  token_missing: row(401, 'TOKEN_MISSING', 'invalid_request', 'No token provided'),
  session_invalid: row(401, 'SESSION_INVALID', 'invalid_token', 'The session has ended. Please sign in again.'),
  auth_required: row(401, 'AUTH_REQUIRED', 'invalid_token', 'Authentication required'),
  missing_email: row(400, 'MISSING_EMAIL', 'invalid_request', 'An e-mail address is required.', 'email'),
  invalid_email: row(400, 'INVALID_EMAIL', 'invalid_request', 'The e-mail address is not valid.', 'email'),
  missing_token: row(400, 'MISSING_TOKEN', 'invalid_request', 'A token is required.'),
  otp_invalid: row(400, 'OTP_INVALID', 'invalid_grant', 'The code is wrong or has expired.', 'code'),
  otp_malformed: row(
    400,
    'OTP_MALFORMED',
    'invalid_grant',
    'This is not a complete code. Please check it and enter it again.',
    'code',
  ),
  totp_locked: row(
    403,
    'TOTP_LOCKED',
    'access_denied',
    'Too many codes in a row were wrong, so the authenticator app is locked. Use a recovery code, and set the app up again.',
    'code',
  ),
  second_operator_needed: row(
    409,
    'SECOND_OPERATOR_NEEDED',
    'access_denied',
    'A second operator must approve this, not the one who asked.',
    'form',
  ),
  last_authenticator: row(
    409,
    'LAST_AUTHENTICATOR',
    'invalid_request',
    'Operators need an authenticator app. Set up another one first.',
    'form',
  ),
  too_many_authenticators: row(
    409,
    'TOO_MANY_AUTHENTICATORS',
    'invalid_request',
    'There are too many authenticator apps. Remove one first.',
    'form',
  ),
  another_proof_needed: row(
    403,
    'ANOTHER_PROOF_NEEDED',
    'access_denied',
    'You signed in with a code from that app already. Use a different factor.',
    'code',
  ),
  otp_rate_limited: row(429, 'OTP_RATE_LIMITED', 'temporarily_unavailable', 'Too many codes or attempts.', 'form'),
  otp_send_failed: row(
    503,
    'OTP_SEND_FAILED',
    'temporarily_unavailable',
    'The code could not be sent. Please try again shortly.',
    'form',
  ),
  otp_undeliverable: row(
    400,
    'OTP_UNDELIVERABLE',
    'invalid_request',
    'Messages to this address do not arrive. Please use another one.',
    'form',
  ),
  missing_phone: row(400, 'MISSING_PHONE', 'invalid_request', 'A phone number is required.', 'phone'),
  invalid_phone: row(
    400,
    'INVALID_PHONE',
    'invalid_request',
    'This is not a mobile number. Please write it with its country code.',
    'phone',
  ),
  phone_unsupported: row(
    400,
    'PHONE_UNSUPPORTED',
    'invalid_request',
    'Text messages to this country are not supported. Please use e-mail.',
    'phone',
  ),
  sms_unavailable: row(
    503,
    'SMS_UNAVAILABLE',
    'temporarily_unavailable',
    'Codes by text message are not available right now. Please use e-mail.',
    'form',
  ),
  missing_refresh_token: row(400, 'MISSING_REFRESH_TOKEN', 'invalid_request', 'A refresh token is required.'),
  invalid_refresh_token: row(
    401,
    'INVALID_REFRESH_TOKEN',
    'invalid_grant',
    'The refresh token is invalid or has expired. Please sign in again.',
  ),
  project_scope_invalid: row(403, 'INVALID_PROJECT_SCOPE', 'access_denied', 'The project scope is not allowed.'),
  uai_mismatch: row(403, 'UAI_MISMATCH', 'access_denied', 'The credential belongs to another identity.'),
  invalid_redirect_uri: row(
    400,
    'INVALID_REDIRECT_URI',
    'invalid_request',
    'The redirect URI is not registered for this client.',
  ),
  csrf_invalid: row(403, 'CSRF_INVALID', 'invalid_request', 'The form has expired. Please open the page again.'),

  rate_limited: row(429, 'RATE_LIMITED', 'rate_limit_exceeded', 'Too many requests.', 'form'),
  conflict: row(409, 'CONFLICT', 'invalid_request', 'This conflicts with what is stored already.'),
  stale: row(409, 'STALE', 'temporarily_unavailable', 'Something changed at the same time. Please try again.', 'form'),
  not_found: row(404, 'NOT_FOUND', 'invalid_request', 'Not found', 'form'),
  route_not_found: row(404, 'ROUTE_NOT_FOUND', 'invalid_request', 'Not found'),
  method_not_allowed: row(405, 'METHOD_NOT_ALLOWED', 'invalid_request', 'The method is not allowed here.'),
  payload_too_large: row(413, 'PAYLOAD_TOO_LARGE', 'invalid_request', 'The request body is too large.'),
  unsupported_media_type: row(
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    'invalid_request',
    'The body must be JSON or application/x-www-form-urlencoded.',
  ),

  server_error: row(500, 'INTERNAL_ERROR', 'server_error', 'Something went wrong on our side.'),
  service_unavailable: atSignIn(
    row(
      503,
      'SERVICE_UNAVAILABLE',
      'temporarily_unavailable',
      'The service is not available right now. Please try again shortly.',
    ),
  ),
  temporarily_unavailable: row(
    503,
    'TEMPORARILY_UNAVAILABLE',
    'temporarily_unavailable',
    'Too much is happening at once. Please try again shortly.',
  ),
} satisfies Record<string, Row>

export type Refusal = keyof typeof catalogue
export type Dialect = 'oauth' | 'api' | 'page'

export type RefusalOptions = {
  /** Why, for the log only. */
  reason?: string
  /** Field → messages, shown to the client. Must not repeat input. */
  details?: Record<string, string[]>
  /** Seconds; becomes `Retry-After` and `retry_after`. */
  retryAfter?: number
  headers?: Record<string, string>
  /** Where a person whom a page tells of the error can go on. */
  next?: { href: string; label: string }
  /** Replaces the catalogue's sentence. */
  description?: string
  /** Where the person may go on to from the error page, and the host that is named there. */
  onward?: {
    host: string
    href: string
    /** What is posted there; a link leads there where left out. */
    fields?: Record<string, string>
  }
  /** A challenge whose solution opens the limit that refused the step. */
  work?: object
  /** Further members of an API-dialect body, such as `{ valid: false }`. */
  body?: Record<string, unknown>
  cause?: unknown
}

/** Units of time with their length in seconds, each for what is shorter than its last number. */
export const TIME_UNITS: [name: string, length: number, below: number][] = [
  ['second', 1, 120],
  ['minute', 60, 7200],
  ['hour', 3600, 172_800],
  ['day', 86_400, Number.MAX_SAFE_INTEGER],
]

/** A length of time as people say it, rounded up. */
export function durationText(seconds: number): string {
  const [name, length] = TIME_UNITS.find(([, , below]) => seconds < below) ?? ['second', 1]
  const count = Math.max(1, Math.ceil(seconds / length))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** The sentence of a refusal; a full limit says how long it lasts. */
function sentenceOf({ status, message }: Row, { description = message, retryAfter }: RefusalOptions): string {
  if (status !== 429) return description
  return `${description} ${retryAfter === undefined ? 'Try again later.' : `Try again in ${durationText(retryAfter)}.`}`
}

/** A refusal on its way to the client: a row of the catalogue and what this occasion adds to it. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly refusal: Refusal
  readonly status: number
  readonly code: string
  readonly oauth: string
  readonly options: RefusalOptions
  /** The sentence without how long a full limit lasts. */
  readonly summary: string

  constructor(refusal: Refusal, options: RefusalOptions = {}) {
    const { status, code, oauth } = catalogue[refusal]
    super(sentenceOf(catalogue[refusal], options), { cause: options.cause })
    this.refusal = refusal
    this.status = status
    this.code = code
    this.oauth = oauth
    this.options = options
    this.summary = options.description ?? catalogue[refusal].message
  }
}

/** Whether `value` names a row of the catalogue. */
export function isRefusal(value: string): value is Refusal {
  return Object.hasOwn(catalogue, value)
}
