export type ServiceScope = {
  service_key: string
  allowed_actions?: string[]
  max_calls_per_minute?: number
  max_calls_per_day?: number
}

/** Who may present a key and how (docs/wire-contract.md 3.3); public key material only. */
export type Binding = {
  audiences?: string[]
  client_id?: string
  installation_id?: string
  public_key_pem?: string
  public_key_jwk?: Record<string, unknown>
  require_request_signature?: boolean
}

export type UsageLimits = {
  max_calls_per_minute?: number
  max_calls_per_day?: number
  /** Total uses, across all rotations. */
  max_uses?: number
  /** `owner`: calls of all the owner's keys with this setting are counted together. */
  counted_by?: 'key' | 'owner'
}

/** The settings of a key that its owner may change. */
export type ApiKeySettings = {
  scopes: string[]
  accessLevel: string
  keyContext?: string
  service: 'all' | 'specific'
  serviceScopes: ServiceScope[]
  expiresAt?: string
  binding?: Binding
  limits?: UsageLimits
  /** Addresses it may be used from, as CIDR blocks. */
  networks?: string[]
  consumer?: string
}
