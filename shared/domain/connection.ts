import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

/** Settings of an external identity provider. They never contain its secret. */
export type ConnectionSettings = {
  /** Its name in URLs, and the provider of accounts linked through it. */
  slug: string
  name: string
  protocol: 'oidc' | 'oauth2' | 'saml' | 'supabase' | 'hook'
  /** Issuer for OpenID Connect and ID-JAG assertions. */
  issuer?: string
  client_id?: string
  auth_method?: 'client_secret_basic' | 'client_secret_post' | 'none' | 'apple'
  scope?: string
  /** For OAuth 2.0 without OpenID Connect. */
  authorization_endpoint?: string
  token_endpoint?: string
  userinfo_endpoint?: string
  /** Endpoint that lists an account's addresses with `primary` and `verified` (GitHub). */
  emails_endpoint?: string
  /** Profile member that identifies the account and is never reassigned. */
  subject_member?: string
  /** Key of an Apple client: the secret is its private half. */
  apple?: { team_id: string; key_id: string }
  saml?: SamlSettings
  /** Provider of the Supabase project. */
  supabase_provider?: string
  /** Sign-in endpoint of a custom identity provider, and the public key of its responses. */
  hook?: { url: string; public_jwk: Record<string, unknown> }
  /** E-mail domains whose users are sent to this provider. */
  domains: string[]
  /** A first sign-in creates an identity. */
  provision: boolean
  /** Organization of the created people, instead of a personal one. */
  organization_id?: string
  /** Trusts `email_verified` of the provider. */
  trust_email: boolean
  /** Shown on the sign-in page. */
  listed: boolean
  /** Its ID-JAG assertions are exchanged for tokens (enterprise-managed authorization). */
  id_jag: boolean
  /** Signing out also signs out at the provider. */
  logout: boolean
}

export type SamlSettings = {
  entry_point: string
  idp_issuer: string
  certificates: string[]
  logout_url?: string
  /** Requested NameID format; `none` leaves it to the provider. */
  name_id_format?: 'persistent' | 'transient' | 'emailAddress' | 'unspecified' | 'none'
  /** Maximum clock skew; 120 by default. */
  clock_skew_seconds?: number
  /** Accepts SHA-1 signatures and digests. */
  allow_sha1?: boolean
  /** Attribute names that replace the defaults. `subject` identifies the account instead of the NameID. */
  attributes?: { subject?: string; email?: string[]; name?: string[]; given_name?: string[]; family_name?: string[] }
}

type Secrets = { name: 'client_secret' | 'private_key'; sealed: Uint8Array }[]

export type ConnectionEvent =
  | { type: 'ConnectionAdded'; data: { settings: ConnectionSettings }; secrets?: Secrets }
  | { type: 'ConnectionChanged'; data: { settings: ConnectionSettings } }
  | { type: 'ConnectionSecretReplaced'; data: Record<string, never>; secrets: Secrets }
  /** Our own key pair: signs while active, decrypts until retired. */
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
    if (event.type === 'ConnectionAdded') return { status: 'enabled', settings: event.data.settings, keys: {} }
    if (!('settings' in state)) return state
    switch (event.type) {
      case 'ConnectionChanged':
        return { ...state, settings: event.data.settings }
      case 'ConnectionSecretReplaced':
        return state
      case 'ConnectionKeyAdded':
        return { ...state, keys: { ...state.keys, [event.data.keyId]: 'waiting' } }
      case 'ConnectionKeyActivated': {
        const waiting = Object.keys(state.keys).map((keyId) => [keyId, 'waiting'] as const)
        return { ...state, keys: { ...Object.fromEntries(waiting), [event.data.keyId]: 'active' } }
      }
      case 'ConnectionKeyRetired': {
        const { [event.data.keyId]: _, ...keys } = state.keys
        return { ...state, keys }
      }
      case 'ConnectionDisabled':
        return { ...state, status: 'disabled' }
      case 'ConnectionEnabled':
        return { ...state, status: 'enabled' }
      case 'ConnectionRemoved':
        return { status: 'removed' }
    }
  },
}

const exists = (state: Connection) => 'settings' in state
const clientSecret = (sealed: Uint8Array): Secrets => [{ name: 'client_secret', sealed }]

/** The authority that issues the account ids of a connection: under another authority, the same id is another account. */
export const authorityOf = ({ protocol, issuer, authorization_endpoint, saml }: ConnectionSettings) =>
  [protocol, saml?.idp_issuer ?? issuer ?? authorization_endpoint ?? '', saml?.attributes?.subject]
    .filter(Boolean)
    .join(' ')

export function addConnection(settings: ConnectionSettings, secret?: Uint8Array): Decision<ConnectionEvent> {
  return record({ type: 'ConnectionAdded', data: { settings }, secrets: secret ? clientSecret(secret) : [] })
}

export function changeConnection(
  state: Connection,
  input: { settings?: ConnectionSettings; secret?: Uint8Array },
): Decision<ConnectionEvent> {
  if (!('settings' in state)) return refuse('not_found')
  const { settings, secret } = input
  if (settings && authorityOf(settings) !== authorityOf(state.settings)) return refuse('connection_authority')
  const events: ConnectionEvent[] = settings ? [{ type: 'ConnectionChanged', data: { settings } }] : []
  if (!secret) return { events }
  return record(...events, { type: 'ConnectionSecretReplaced', data: {}, secrets: clientSecret(secret) })
}

/** Adds a key pair; a connection's first one is active at once, since the provider knows no other. */
export function addConnectionKey(
  state: Connection,
  { keyId, certificate, sealed }: { keyId: string; certificate: string; sealed: Uint8Array },
): Decision<ConnectionEvent> {
  if (!('settings' in state)) return refuse('not_found')
  const added: ConnectionEvent = {
    type: 'ConnectionKeyAdded',
    data: { keyId, certificate },
    secrets: [{ name: 'private_key', sealed }],
  }
  const isFirst = Object.keys(state.keys).length === 0
  return record(added, ...(isFirst ? [{ type: 'ConnectionKeyActivated' as const, data: { keyId } }] : []))
}

export function activateConnectionKey(state: Connection, keyId: string): Decision<ConnectionEvent> {
  if (!('settings' in state) || !state.keys[keyId]) return refuse('not_found')
  return { events: state.keys[keyId] === 'active' ? [] : [{ type: 'ConnectionKeyActivated', data: { keyId } }] }
}

/** Retires a key; the active one only after another is activated. */
export function retireConnectionKey(state: Connection, keyId: string): Decision<ConnectionEvent> {
  if (!('settings' in state) || !state.keys[keyId]) return refuse('not_found')
  if (state.keys[keyId] === 'active') return refuse('invalid_request')
  return record({ type: 'ConnectionKeyRetired', data: { keyId } })
}

export function disableConnection(state: Connection, reason: string): Decision<ConnectionEvent> {
  if (!exists(state)) return refuse('not_found')
  return { events: state.status === 'enabled' ? [{ type: 'ConnectionDisabled', data: { reason } }] : [] }
}

export function enableConnection(state: Connection, reason: string): Decision<ConnectionEvent> {
  if (!exists(state)) return refuse('not_found')
  return { events: state.status === 'disabled' ? [{ type: 'ConnectionEnabled', data: { reason } }] : [] }
}

/** Removes a connection. Its accounts stay linked, but cannot sign in. */
export function removeConnection(state: Connection, reason: string): Decision<ConnectionEvent> {
  if (!exists(state)) return refuse('not_found')
  return record({ type: 'ConnectionRemoved', data: { reason } })
}
