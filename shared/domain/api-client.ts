import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record, refuse } from './decision.ts'

type TokenEndpointAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'

/** A public key of a client (RFC 7517); never with private members. */
export type PublicJwk = {
  kty: string
  kid?: string
  use?: string
  alg?: string
  x5c?: string[]
  [member: string]: unknown
}

/** RFC 7591 section 2 with RFC 8705 and RFC 9449, and five members of our own. */
export type ClientMetadata = {
  client_name: string
  application_type: 'native' | 'web'
  token_endpoint_auth_method: TokenEndpointAuthMethod
  grant_types: string[]
  response_types: string[]
  redirect_uris: string[]
  /** Origins of the pages that use it; requests from other origins are refused. Any origin if absent. */
  web_origins?: string[]
  post_logout_redirect_uris?: string[]
  /** Every scope the client may ask for, space separated. */
  scope: string
  /** Scopes granted when it requests none. */
  default_scope: string
  /** Lifetime of its access tokens in seconds, if it differs from the gateway's. */
  access_token_seconds?: number
  /** False exempts a confidential client from PKCE (docs/security-rules.md A9). */
  require_pkce?: boolean
  client_uri?: string
  logo_uri?: string
  /** `#rrggbb`: messages for a first-party application use its name and this colour. Set by operators only. */
  brand_color?: string
  policy_uri?: string
  tos_uri?: string
  contacts?: string[]
  /** `pairwise`: it gets its own identifiers of people, shared within its sector (OpenID Connect Core section 8). */
  subject_type?: 'public' | 'pairwise'
  sector_identifier_uri?: string
  /** Keys by value or by URL, never both (RFC 7591 section 2). */
  jwks?: { keys: PublicJwk[] }
  jwks_uri?: string
  token_endpoint_auth_signing_alg?: string
  /** Algorithm that signs its introspection responses (RFC 9701 section 6); RS256 if absent. */
  introspection_signed_response_alg?: 'RS256' | 'ES256'
  /** Exactly one for `tls_client_auth` (RFC 8705 section 2.1.2). */
  tls_client_auth_subject_dn?: string
  tls_client_auth_san_dns?: string
  tls_client_auth_san_uri?: string
  tls_client_auth_san_ip?: string
  tls_client_auth_san_email?: string
  /** Access tokens are bound to the client's certificate (RFC 8705 section 3.4). */
  tls_client_certificate_bound_access_tokens?: boolean
  /** An authorization request that was not pushed is refused (RFC 9126 section 6). */
  require_pushed_authorization_requests?: boolean
  /** A token request without a DPoP proof is refused (RFC 9449 section 5.2). */
  dpop_bound_access_tokens?: boolean
  /** Resources (RFC 8707) that the client serves: it may introspect and exchange tokens for them. Set by operators only. */
  resources?: string[]
  /** Resources it may exchange tokens for (RFC 8693); none if absent. Set by operators only. */
  exchange_resources?: string[]
  software_id?: string
  software_version?: string
}

/**
 * Whether tokens of a client that name no resource also work at the everyday endpoints of the account API. Only operators set it, and
 * only for LanOnasis applications.
 */
export type AccountAccess = 'none' | 'everyday'

/** SHA-256 hex of a secret, and until when it is accepted after a rotation. */
export type ClientSecret = { hash: string; expiresAt?: string }

export type ApiClientEvent =
  | {
      type: 'ClientRegistered'
      data: {
        clientId: string
        firstParty: boolean
        accountAccess?: AccountAccess
        origin: 'seed' | 'operator' | 'dynamic' | 'document'
        metadata: ClientMetadata
        secretHash?: string
        /** For a client that manages its own registration (RFC 7592). */
        registrationTokenHash?: string
        /** Key by which later registrations of the same metadata get this client. */
        sharingKey?: string
        /** The operator's reason for creating it. */
        reason?: string
      }
    }
  /** Another registration of the same metadata got this client; its registration access token ended. */
  | { type: 'ClientShared'; data: Record<string, never> }
  | { type: 'ClientUpdated'; data: { metadata: ClientMetadata } }
  | { type: 'ClientAccountAccessChanged'; data: { accountAccess: AccountAccess } }
  | { type: 'ClientSecretRotated'; data: { secrets: ClientSecret[] } }
  | { type: 'ClientSuspended'; data: { reason: string } }
  | { type: 'ClientReinstated'; data: { reason: string } }
  | { type: 'ClientDeleted'; data: { reason: string } }

export type ApiClient =
  | { status: 'none' }
  | {
      status: 'active' | 'suspended' | 'deleted'
      firstParty: boolean
      accountAccess: AccountAccess
      metadata: ClientMetadata
      secrets: ClientSecret[]
      /** Undefined if the client cannot be shared, or no longer matches its registration. */
      sharingKey?: string
      isShared: boolean
    }

export const apiClient: Aggregate<ApiClient, ApiClientEvent> = {
  type: 'api_client',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'ClientRegistered') {
      const { firstParty, accountAccess = 'none', metadata, secretHash, sharingKey } = event.data
      const secrets = secretHash ? [{ hash: secretHash }] : []
      return { status: 'active', firstParty, accountAccess, metadata, secrets, sharingKey, isShared: false }
    }
    if (state.status === 'none') return state
    switch (event.type) {
      case 'ClientUpdated':
        return { ...state, metadata: event.data.metadata, sharingKey: undefined }
      case 'ClientShared':
        return { ...state, isShared: true }
      case 'ClientAccountAccessChanged':
        return { ...state, accountAccess: event.data.accountAccess }
      case 'ClientSecretRotated':
        return { ...state, secrets: event.data.secrets }
      case 'ClientSuspended':
        return { ...state, status: 'suspended', sharingKey: undefined }
      case 'ClientReinstated':
        return { ...state, status: 'active' }
      case 'ClientDeleted':
        return { ...state, status: 'deleted', secrets: [], sharingKey: undefined }
    }
  },
}

const isGone = (state: ApiClient): state is Extract<ApiClient, { status: 'none' }> =>
  state.status === 'none' || state.status === 'deleted'

export function registerClient(data: DataOf<ApiClientEvent, 'ClientRegistered'>): Decision<ApiClientEvent> {
  return record({ type: 'ClientRegistered', data })
}

/** Shares this client with another registration of the same metadata. From then on no single party may change it. */
export function shareClient(state: ApiClient): Decision<ApiClientEvent> {
  if (isGone(state) || state.sharingKey === undefined) return refuse('stale')
  return { events: state.isShared ? [] : [{ type: 'ClientShared', data: {} }] }
}

/** Refuses actions reserved to the sole holder of a registration. */
export function requireSoleHolder(state: ApiClient): Decision<ApiClientEvent> {
  return !isGone(state) && state.isShared ? refuse('invalid_token') : { events: [] }
}

export function updateClient(state: ApiClient, metadata: ClientMetadata): Decision<ApiClientEvent> {
  if (isGone(state)) return refuse('not_found')
  return record({ type: 'ClientUpdated', data: { metadata } })
}

/** Grants a first-party application everyday access to the account API, or revokes it. */
export function changeAccountAccess(state: ApiClient, accountAccess: AccountAccess): Decision<ApiClientEvent> {
  if (isGone(state)) return refuse('not_found')
  if (!state.firstParty && accountAccess !== 'none') return refuse('unauthorized_client')
  if (state.accountAccess === accountAccess) return { events: [] }
  return record({ type: 'ClientAccountAccessChanged', data: { accountAccess } })
}

/**
 * Adds a new secret; the previous one stays valid for `overlapSeconds` (0: none), older ones end.
 * @param input.replaces hash of the secret that the caller replaces, so that only one of several concurrent calls succeeds
 */
export function rotateClientSecret(
  state: ApiClient,
  input: { secretHash: string; overlapSeconds: number; replaces?: string; now: Date },
): Decision<ApiClientEvent> {
  if (isGone(state)) return refuse('not_found')
  if (!state.metadata.token_endpoint_auth_method.startsWith('client_secret_')) return refuse('invalid_request')
  if (input.replaces !== undefined && state.secrets[0]?.hash !== input.replaces) return refuse('stale')
  const expiresAt = new Date(input.now.getTime() + input.overlapSeconds * 1000).toISOString()
  const previous = state.secrets[0]
  const secrets: ClientSecret[] = [{ hash: input.secretHash }]
  if (previous && input.overlapSeconds > 0) secrets.push({ hash: previous.hash, expiresAt })
  return record({ type: 'ClientSecretRotated', data: { secrets } })
}

export function suspendClient(state: ApiClient, reason: string): Decision<ApiClientEvent> {
  if (isGone(state)) return refuse('not_found')
  return { events: state.status === 'active' ? [{ type: 'ClientSuspended', data: { reason } }] : [] }
}

export function reinstateClient(state: ApiClient, reason: string): Decision<ApiClientEvent> {
  if (isGone(state)) return refuse('not_found')
  return { events: state.status === 'suspended' ? [{ type: 'ClientReinstated', data: { reason } }] : [] }
}

/** Permanently deletes a client; its tokens end with it. */
export function deleteClient(state: ApiClient, reason: string): Decision<ApiClientEvent> {
  if (isGone(state)) return refuse('not_found')
  return record({ type: 'ClientDeleted', data: { reason } })
}
