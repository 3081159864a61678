import type { Aggregate, Decision } from '../events/types.ts'

/** How people of another identity provider sign in here. Its secret never stands among these. */
export type ConnectionSettings = {
  /** Names it in addresses, and as the provider of the accounts that are linked through it. */
  slug: string
  name: string
  protocol: 'oidc' | 'oauth2' | 'saml' | 'supabase' | 'hook'
  /** Of OpenID Connect, and of assertions that are exchanged for tokens (ID-JAG). */
  issuer?: string
  client_id?: string
  auth_method?: 'client_secret_basic' | 'client_secret_post' | 'none' | 'apple'
  scope?: string
  /** Of OAuth 2.0 without OpenID Connect. */
  authorization_endpoint?: string
  token_endpoint?: string
  userinfo_endpoint?: string
  /** Where the addresses of an account stand, with `primary` and `verified` (GitHub). */
  emails_endpoint?: string
  /** Member of the profile that identifies the account and is never given to another one. */
  subject_member?: string
  /** Key of an Apple client: the secret is its private half. */
  apple?: { team_id: string; key_id: string }
  saml?: SamlSettings
  /** Provider of the Supabase project. */
  supabase_provider?: string
  /** Where a custom identity provider takes the sign-in request, and the public key of its answers. */
  hook?: { url: string; public_jwk: Record<string, unknown> }
  /** Domains whose people are sent there by their address. */
  domains: string[]
  /** A first sign-in makes an identity. */
  provision: boolean
  /** Where such people belong, instead of an organization of their own. */
  organization_id?: string
  /** An address that the provider calls verified counts as proven. */
  trust_email: boolean
  /** Stands on the sign-in page. */
  listed: boolean
  /** Its ID-JAG assertions are exchanged for tokens (enterprise-managed authorization). */
  id_jag: boolean
  /** Signing out here signs out there. */
  logout: boolean
}

export type SamlSettings = {
  entry_point: string
  idp_issuer: string
  certificates: string[]
  logout_url?: string
  /** What names of people are asked for; `none` leaves it to the provider. */
  name_id_format?: 'persistent' | 'transient' | 'emailAddress' | 'unspecified' | 'none'
  /** How far the clocks may be apart; 120 unless given. */
  clock_skew_seconds?: number
  /** Takes signatures and digests that are made with SHA-1. */
  allow_sha1?: boolean
  /** Attributes that say who it is, in the place of the usual ones. `subject` identifies the account in the place of the NameID. */
  attributes?: { subject?: string; email?: string[]; name?: string[]; given_name?: string[]; family_name?: string[] }
}

type Secrets = { name: 'client_secret' | 'private_key'; sealed: Uint8Array }[]

export type ConnectionEvent =
  | { type: 'ConnectionAdded'; data: { settings: ConnectionSettings }; secrets?: Secrets }
  | { type: 'ConnectionChanged'; data: { settings: ConnectionSettings } }
  | { type: 'ConnectionSecretReplaced'; data: Record<string, never>; secrets: Secrets }
  /** A key pair of ours: it signs once it is active, and decrypts until it is retired. */
  | { type: 'ConnectionKeyAdded'; data: { keyId: string; certificate: string }; secrets: Secrets }
  | { type: 'ConnectionKeyActivated'; data: { keyId: string } }
  | { type: 'ConnectionKeyRetired'; data: { keyId: string } }
  | { type: 'ConnectionDisabled'; data: { reason: string } }
  | { type: 'ConnectionEnabled'; data: { reason: string } }
  | { type: 'ConnectionRemoved'; data: { reason: string } }

export type Connection =
  | { status: 'none' | 'removed' }
  | { status: 'enabled' | 'disabled'; settings: ConnectionSettings; keys: Record<string, 'waiting' | 'active'> }

export const connection: Aggregate<Connection, ConnectionEvent> = {
  type: 'connection',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'ConnectionAdded':
        return { status: 'enabled', settings: event.data.settings, keys: {} }
      case 'ConnectionChanged':
        return 'settings' in state ? { ...state, settings: event.data.settings } : state
      case 'ConnectionSecretReplaced':
        return state
      case 'ConnectionKeyAdded':
        return 'settings' in state ? { ...state, keys: { ...state.keys, [event.data.keyId]: 'waiting' } } : state
      case 'ConnectionKeyActivated': {
        if (!('settings' in state)) return state
        const waiting = Object.keys(state.keys).map((keyId) => [keyId, 'waiting'] as const)
        return { ...state, keys: { ...Object.fromEntries(waiting), [event.data.keyId]: 'active' } }
      }
      case 'ConnectionKeyRetired': {
        if (!('settings' in state)) return state
        const { [event.data.keyId]: _, ...keys } = state.keys
        return { ...state, keys }
      }
      case 'ConnectionDisabled':
        return 'settings' in state ? { ...state, status: 'disabled' } : state
      case 'ConnectionEnabled':
        return 'settings' in state ? { ...state, status: 'enabled' } : state
      case 'ConnectionRemoved':
        return { status: 'removed' }
    }
  },
}

const exists = (state: Connection) => 'settings' in state

/** Who it is that names the accounts of a connection: they are another's with every other one. */
export const authorityOf = ({ protocol, issuer, authorization_endpoint, saml }: ConnectionSettings) =>
  [protocol, saml?.idp_issuer ?? issuer ?? authorization_endpoint ?? '', saml?.attributes?.subject]
    .filter(Boolean)
    .join(' ')

export function addConnection(settings: ConnectionSettings, secret?: Uint8Array): Decision<ConnectionEvent> {
  const secrets: Secrets = secret ? [{ name: 'client_secret', sealed: secret }] : []
  return { events: [{ type: 'ConnectionAdded', data: { settings }, secrets }] }
}

export function changeConnection(
  state: Connection,
  input: { settings?: ConnectionSettings; secret?: Uint8Array },
): Decision<ConnectionEvent> {
  if (!('settings' in state)) return { events: [], refuse: 'not_found' }
  const { settings, secret } = input
  if (settings && authorityOf(settings) !== authorityOf(state.settings))
    return { events: [], refuse: 'connection_authority' }
  return {
    events: [
      ...(settings ? [{ type: 'ConnectionChanged' as const, data: { settings } }] : []),
      ...(secret
        ? [
            {
              type: 'ConnectionSecretReplaced' as const,
              data: {},
              secrets: [{ name: 'client_secret' as const, sealed: secret }],
            },
          ]
        : []),
    ],
  }
}

/** Adds a key pair; the first one of a connection is active at once, since no provider knows another. */
export function addConnectionKey(
  state: Connection,
  { keyId, certificate, sealed }: { keyId: string; certificate: string; sealed: Uint8Array },
): Decision<ConnectionEvent> {
  if (!('settings' in state)) return { events: [], refuse: 'not_found' }
  const added: ConnectionEvent = {
    type: 'ConnectionKeyAdded',
    data: { keyId, certificate },
    secrets: [{ name: 'private_key', sealed }],
  }
  const isFirst = Object.keys(state.keys).length === 0
  return { events: [added, ...(isFirst ? [{ type: 'ConnectionKeyActivated' as const, data: { keyId } }] : [])] }
}

export function activateConnectionKey(state: Connection, keyId: string): Decision<ConnectionEvent> {
  if (!('settings' in state) || !state.keys[keyId]) return { events: [], refuse: 'not_found' }
  return { events: state.keys[keyId] === 'active' ? [] : [{ type: 'ConnectionKeyActivated', data: { keyId } }] }
}

/** The active key is not retired: another one is made active first. */
export function retireConnectionKey(state: Connection, keyId: string): Decision<ConnectionEvent> {
  if (!('settings' in state) || !state.keys[keyId]) return { events: [], refuse: 'not_found' }
  if (state.keys[keyId] === 'active') return { events: [], refuse: 'invalid_request' }
  return { events: [{ type: 'ConnectionKeyRetired', data: { keyId } }] }
}

export function disableConnection(state: Connection, reason: string): Decision<ConnectionEvent> {
  if (!exists(state)) return { events: [], refuse: 'not_found' }
  return { events: state.status === 'enabled' ? [{ type: 'ConnectionDisabled', data: { reason } }] : [] }
}

export function enableConnection(state: Connection, reason: string): Decision<ConnectionEvent> {
  if (!exists(state)) return { events: [], refuse: 'not_found' }
  return { events: state.status === 'disabled' ? [{ type: 'ConnectionEnabled', data: { reason } }] : [] }
}

/** Accounts that were linked through it stay linked, and cannot be signed in with. */
export function removeConnection(state: Connection, reason: string): Decision<ConnectionEvent> {
  if (!exists(state)) return { events: [], refuse: 'not_found' }
  return { events: [{ type: 'ConnectionRemoved', data: { reason } }] }
}
