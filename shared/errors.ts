/** The form field that an error is shown next to; `form` for the form as a whole. */
export type Field = 'email' | 'phone' | 'code' | 'password' | 'name' | 'form'

type Row = {
  status: number
  /** In the API dialect. */
  code: string
  /** In the OAuth dialect (RFC 6749 section 5.2 and its extensions). */
  oauth: string
  /** The sentence a client may show. The reason is only logged. */
  message: string
  /** Where a form shows it; without one, the error has a page of its own. */
  field?: Field
  /** Shown on the sign-in page after a failed sign-in at an external provider. */
  atSignIn?: true
}

/**
 * Makes errors of one status.
 * @param oauth their name in the OAuth dialect; `own name` if each has its name in the catalogue there too
 * @param rows name → message, or whatever else differs from the rest; a code is by default the name in capitals
 */
function errors<Name extends string>(
  status: number,
  oauth: string,
  rows: Record<Name, string | (Partial<Row> & { message: string })>,
): Record<Name, Row> {
  const entries = Object.entries<string | Partial<Row>>(rows).map(([name, row]) => {
    const usual = { status, code: name.toUpperCase(), oauth: oauth === 'own name' ? name : oauth }
    return [name, { ...usual, ...(typeof row === 'string' ? { message: row } : row) }]
  })
  return Object.fromEntries(entries)
}

/** Every error of the gateway, by status. */
export const catalogue = {
  ...errors(400, 'invalid_request', {
    invalid_request: { field: 'form', message: 'The request is missing something or is malformed.' },
    invalid_body: 'The request body could not be read.',
    device_denied: { oauth: 'access_denied', message: 'The person has denied the request.' },
    provider_unknown: { code: 'INVALID_PROVIDER', message: 'There is no such way to sign in.' },
    mfa_expired: { field: 'form', message: 'This sign-in has expired or was completed. Please start again.' },
    sso_state_invalid: {
      code: 'OAUTH_STATE_ERROR',
      atSignIn: true,
      message: 'This sign-in has expired, was used before, or was begun in another browser. Please start again.',
    },
    agent_unknown: { field: 'form', message: 'There is no agent of that name that can prove who it is.' },
    client_metadata_invalid: {
      code: 'INVALID_CLIENT_METADATA',
      oauth: 'invalid_client_metadata',
      message: 'The client metadata cannot be registered.',
    },
    redirect_uri_unusable: { oauth: 'invalid_redirect_uri', message: 'One of the redirect URIs cannot be registered.' },
    software_statement_unapproved: {
      code: 'UNAPPROVED_SOFTWARE_STATEMENT',
      oauth: 'unapproved_software_statement',
      message: 'Software statements are not accepted.',
    },
    request_uri_invalid: {
      code: 'INVALID_REQUEST_URI',
      oauth: 'invalid_request_uri',
      message: 'This sign-in request has expired or was used before. Please start again in the application.',
    },
    api_key_missing: 'An API key is required.',
    invalid_name: { field: 'name', message: 'A name of 1 to 200 characters is required.' },
    invalid_organization: 'The organization is not one of yours.',
    invalid_project_id: 'The project id is malformed.',
    invalid_value: 'A value of at most 48,000 characters is required.',
    invalid_key_id: 'The key id is malformed.',
    invalid_service: 'One of the services is not known.',
    missing_credentials: { field: 'form', message: 'An e-mail address and a password are required.' },
    weak_password: { field: 'password', message: 'The password is too weak.' },
    passwords_differ: { field: 'password', message: 'The two passwords differ.' },
    magic_link_state_missing: 'state is required.',
    missing_email: { field: 'email', message: 'An e-mail address is required.' },
    invalid_email: { field: 'email', message: 'The e-mail address is not valid.' },
    missing_token: 'A token is required.',
    otp_undeliverable: { field: 'form', message: 'Messages to this address do not arrive. Please use another one.' },
    missing_phone: { field: 'phone', message: 'A phone number is required.' },
    invalid_phone: { field: 'phone', message: 'This is not a mobile number. Please write it with its country code.' },
    phone_unsupported: {
      field: 'phone',
      message: 'Text messages to this country are not supported. Please use e-mail.',
    },
    missing_refresh_token: 'A refresh token is required.',
    invalid_redirect_uri: 'The redirect URI is not registered for this client.',
  }),
  ...errors(400, 'invalid_grant', {
    paste_impossible:
      'This sign-in has expired, was used before, or was begun in another browser. Please start again in the terminal.',
    user_code_invalid: { field: 'code', message: 'The code is wrong, expired or already used.' },
    user_code_malformed: { field: 'code', message: 'This is not a complete code. Please check it and enter it again.' },
    recovery_invalid: {
      code: 'LINK_INVALID',
      field: 'form',
      message: 'The link has expired or was used before. Please ask for a new one.',
    },
    notice_link_invalid: 'The link has expired or is incomplete. Open your account to end sessions.',
    magic_link_state_invalid: 'The link has expired or was used before. Please ask for a new one.',
    otp_invalid: { field: 'code', message: 'The code is wrong or has expired.' },
    passkey_invalid: { field: 'form', message: 'The passkey is not known here, or could not be verified.' },
    passkey_expired: {
      field: 'form',
      message: 'This request for a passkey has expired or was used before. Please try again.',
    },
    otp_malformed: { field: 'code', message: 'This is not a complete code. Please check it and enter it again.' },
  }),
  ...errors(400, 'own name', {
    invalid_grant: 'The code or token is invalid, expired, revoked or was issued to another client.',
    authorization_pending: 'The person has not decided yet.',
    slow_down: 'Please wait longer between two polls.',
    expired_token: 'The device code has expired. Please start again.',
    invalid_scope: { field: 'form', message: 'The requested scope is invalid or not allowed.' },
    invalid_target: 'The requested resource is unknown or not allowed.',
    unauthorized_client: 'The client is not authorized for this request.',
    unsupported_grant_type: 'The grant type is not supported.',
    unsupported_response_type: 'The response type is not supported.',
    login_required: 'Sign-in is needed.',
    unmet_authentication_requirements: 'The requested authentication is not available.',
    consent_required: 'Consent is needed.',
    request_not_supported: 'The request parameter is not supported.',
    request_uri_not_supported: 'The request_uri parameter is not supported.',
    registration_not_supported: 'The registration parameter is not supported.',
    invalid_dpop_proof: 'The DPoP proof is missing or invalid.',
    use_dpop_nonce: 'The DPoP proof must carry the nonce of the DPoP-Nonce header.',
  }),
  ...errors(401, 'invalid_token', {
    invalid_token: { code: 'AUTH_TOKEN_INVALID', message: 'The token is invalid or has expired.' },
    api_key_invalid: 'The API key is invalid, expired or revoked.',
    api_key_signature_required: { code: 'SIGNATURE_REQUIRED', message: 'Requests with this API key must be signed.' },
    api_key_signature_invalid: {
      code: 'SIGNATURE_INVALID',
      message: 'The signature of the request is wrong, too old, or was used before.',
    },
    webhook_signature_invalid: { oauth: 'invalid_request', message: 'The signature of the message is wrong.' },
    credentials_invalid: {
      code: 'AUTH_INVALID_CREDENTIALS',
      oauth: 'invalid_grant',
      field: 'password',
      message: 'The e-mail address or the password is wrong.',
    },
    token_invalid: 'The token is invalid or has expired.',
    webhook_unauthorized: { code: 'UNAUTHORIZED', oauth: 'access_denied', message: 'Unauthorized' },
    token_required: { code: 'AUTH_TOKEN_MISSING', oauth: 'invalid_request', message: 'No token provided' },
    token_missing: { oauth: 'invalid_request', message: 'No token provided' },
    session_invalid: 'The session has ended. Please sign in again.',
    auth_required: 'Authentication required',
    invalid_refresh_token: {
      oauth: 'invalid_grant',
      message: 'The refresh token is invalid or has expired. Please sign in again.',
    },
  }),
  ...errors(401, 'own name', {
    invalid_client: 'The client is unknown or could not be authenticated.',
    insufficient_user_authentication: {
      code: 'STEP_UP_REQUIRED',
      message: 'A new code from your authenticator app is required.',
    },
  }),
  ...errors(403, 'access_denied', {
    sign_in_denied: { field: 'form', atSignIn: true, message: 'Your organization does not allow this sign-in.' },
    mfa_required: {
      oauth: 'interaction_required',
      message: 'This account asks for a second factor. Finish signing in at the sign-in page of this server.',
    },
    more_proof_needed: {
      field: 'form',
      atSignIn: true,
      message: 'Your organization asks for one more proof. Please confirm with a code by e-mail.',
    },
    provider_denied: { atSignIn: true, message: 'The sign-in was cancelled at the other service.' },
    not_provisioned: {
      field: 'form',
      atSignIn: true,
      message: 'There is no account for you here yet. Ask your administrator.',
    },
    admin_access_required: 'Only operators can do this. Sign in and confirm with your authenticator app.',
    access_denied: { atSignIn: true, message: 'Access was denied.' },
    account_suspended: { atSignIn: true, message: 'This account is suspended. It cannot be used to sign in.' },
    not_an_operator: 'Access was denied. Only operators can do this.',
    operator_code_denied: { field: 'form', message: 'You cannot make a code for this person.' },
    api_key_address: { code: 'API_KEY_ADDRESS_NOT_ALLOWED', message: 'The API key may not be used from here.' },
    api_key_exhausted: 'The API key has reached its usage limit.',
    api_key_service: { code: 'SERVICE_NOT_ALLOWED', message: 'The API key is not for this service.' },
    api_key_binding_required: {
      code: 'BINDING_REQUIRED',
      message: 'Keys that are not bound to a caller are not accepted here.',
    },
    api_key_binding_mismatch: { code: 'BINDING_MISMATCH', message: 'The API key is bound to another caller.' },
    not_owner: 'Only the owner of the project may do this.',
    derivation_exceeded: {
      oauth: 'invalid_request',
      message:
        'A derived or changed credential cannot have more access or last longer than the credential it comes from.',
    },
    scope_not_allowed: {
      oauth: 'invalid_scope',
      field: 'form',
      message: 'A key cannot hold more than its creator has.',
    },
    email_not_confirmed: {
      field: 'email',
      message: 'The address is not confirmed yet. Follow the link in the mail that was sent to it.',
    },
    magic_link_email_mismatch: 'The link was sent to another address.',
    totp_locked: {
      field: 'code',
      message:
        'Too many codes in a row were wrong, so the authenticator app is locked. Use a recovery code, and set the app up again.',
    },
    another_proof_needed: {
      field: 'code',
      message: 'You signed in with a code from that app already. Use a different factor.',
    },
    passkey_cloned: {
      field: 'form',
      message:
        'This passkey may have been copied, so it was refused. Use another way to sign in, and remove the passkey from your account.',
    },
    project_scope_invalid: { code: 'INVALID_PROJECT_SCOPE', message: 'The project scope is not allowed.' },
    uai_mismatch: 'The credential belongs to another identity.',
    csrf_invalid: { oauth: 'invalid_request', message: 'The form has expired. Please open the page again.' },
  }),
  ...errors(403, 'own name', {
    insufficient_scope: { code: 'SCOPE_INSUFFICIENT', message: 'The credential lacks a required scope.' },
  }),
  ...errors(404, 'invalid_request', {
    passkeys_off:
      'Passkeys are off here: the issuer is an IP address, which they cannot be for. Use localhost or a host name.',
    project_not_found: 'There is no such project.',
    key_not_found: 'There is no such key.',
    service_unknown: 'There is no such service here.',
    passwords_disabled: { oauth: 'unauthorized_client', message: 'Signing in with a password is not offered here.' },
    not_found: { field: 'form', message: 'Not found' },
    route_not_found: 'Not found',
  }),
  ...errors(405, 'invalid_request', {
    method_not_allowed: 'The method is not allowed here.',
  }),
  ...errors(409, 'invalid_request', {
    link_needed: {
      atSignIn: true,
      message:
        'There is an account with this e-mail address already. Prove that the address is yours, and the two are linked.',
    },
    connection_authority: 'Accounts of that connection are those of another provider. Add one of another name.',
    provider_reserved: 'People sign in with that provider: its accounts are linked by doing so.',
    sign_in_to_link: {
      atSignIn: true,
      message:
        'There is an account with this e-mail address already. Sign in to it, then connect the other one in your account.',
    },
    signed_in_as_another: { atSignIn: true, message: 'You are signed in as another person here. Sign out first.' },
    proof_needed: 'The address is known here. Send a token of the person with it, so that both sides are proven.',
    last_credential: { field: 'form', message: 'This is the last way to sign in. Add another one first.' },
    credential_taken: {
      field: 'form',
      atSignIn: true,
      message: 'This belongs to another identity. Prove both, and merge them.',
    },
    merge_impossible: { field: 'form', message: 'These identities cannot be merged as they are.' },
    merge_needs_step_up: {
      field: 'form',
      message:
        'The account with this address is protected by an authenticator app. Sign in to it and add this address there.',
    },
    not_merged: 'This identity is not part of another one.',
    too_many_agents: { field: 'form', message: 'There are too many agents. Cut one off first.' },
    app_exists: 'There is an application of that name already.',
    project_conflict: 'There is a project of this name already.',
    too_many_projects: 'There are too many projects. Delete one first.',
    key_conflict: 'There is a key of this name in the project already.',
    key_exists: { field: 'name', message: 'There is an active key of this name already.' },
    key_not_active: { field: 'form', message: 'The key is no longer active.' },
    too_many_keys: { field: 'form', message: 'There are too many active keys. Delete one first.' },
    second_operator_needed: {
      oauth: 'access_denied',
      field: 'form',
      message: 'A second operator must approve this, not the one who asked.',
    },
    passkey_known: { field: 'form', message: 'This passkey is registered already.' },
    last_passkey: { field: 'form', message: 'Operators need a passkey. Add another one first.' },
    too_many_passkeys: { field: 'form', message: 'There are too many passkeys. Remove one first.' },
    last_authenticator: { field: 'form', message: 'Operators need an authenticator app. Set up another one first.' },
    too_many_authenticators: { field: 'form', message: 'There are too many authenticator apps. Remove one first.' },
    conflict: 'This conflicts with what is stored already.',
    stale: {
      oauth: 'temporarily_unavailable',
      field: 'form',
      message: 'Something changed at the same time. Please try again.',
    },
  }),
  ...errors(410, 'invalid_request', {
    state_archived: 'Sessions and tokens of that time are in the archive.',
  }),
  ...errors(413, 'invalid_request', {
    payload_too_large: 'The request body is too large.',
  }),
  ...errors(415, 'invalid_request', {
    unsupported_media_type: 'The body must be JSON or application/x-www-form-urlencoded.',
  }),
  ...errors(429, 'rate_limit_exceeded', {
    service_rate_limited: { code: 'RATE_LIMIT_EXCEEDED', message: 'Too many requests to this service.' },
    otp_rate_limited: { oauth: 'temporarily_unavailable', field: 'form', message: 'Too many codes or attempts.' },
    rate_limited: { field: 'form', message: 'Too many requests.' },
  }),
  ...errors(500, 'server_error', {
    routing_failed: { code: 'ROUTING_FAILURE', message: 'The service did not answer. Please try again shortly.' },
    sync_not_configured: 'Webhooks are not configured here.',
    server_error: { code: 'INTERNAL_ERROR', message: 'Something went wrong on our side.' },
  }),
  ...errors(502, 'server_error', {
    provider_failed: {
      atSignIn: true,
      message: 'The other sign-in service did not answer as it should. Please try again, or sign in another way.',
    },
    provider_logout_failed: {
      atSignIn: true,
      message: 'You are signed out here. The other provider did not confirm that you are signed out there.',
    },
    service_answer_unusable: 'The service returned an invalid response.',
  }),
  ...errors(503, 'temporarily_unavailable', {
    hook_unavailable: {
      field: 'form',
      atSignIn: true,
      message: 'The sign-in could not be checked right now. Please try again shortly.',
    },
    otp_send_failed: { field: 'form', message: 'The code could not be sent. Please try again shortly.' },
    sms_unavailable: {
      field: 'form',
      message: 'Codes by text message are not available right now. Please use e-mail.',
    },
    service_unavailable: {
      atSignIn: true,
      message: 'The service is not available right now. Please try again shortly.',
    },
    temporarily_unavailable: 'Too much is happening at once. Please try again shortly.',
  }),
}

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

/** The unit of a length of time, and its length in seconds. */
export const timeUnit = (seconds: number): [name: string, length: number] => {
  const [name, length] = TIME_UNITS.find(([, , below]) => seconds < below) ?? ['second', 1]
  return [name, length]
}

/** A length of time as people say it, rounded up. */
export function durationText(seconds: number): string {
  const [name, length] = timeUnit(seconds)
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
