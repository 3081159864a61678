import type { Refusal } from '../errors.ts'

export type StreamType =
  | 'identity'
  | 'organization'
  | 'session'
  | 'otp_challenge'
  | 'api_client'
  | 'protected_resource'
  | 'consent'
  | 'authorization'
  | 'token_family'
  | 'signing_key'
  | 'api_key'
  | 'project'
  | 'stored_key'
  | 'refused_request'
  | 'record_read'
  | 'device_authorization'
  | 'agent_delegation'
  | 'connection'
  | 'hook'
  | 'hook_call'
  | 'webhook'
  | 'message'
  | 'suppression'
  | 'sms_breaker'
  | 'archive'
  | 'audit_log'
  | 'totp_authenticator'
  | 'passkey'
  | 'recovery_codes'
  | 'operator_code'
  | 'key_ring'
  | 'pending_sign_in'
  | 'remembered_device'
  | 'sign_in_place'

/** An event, named in the past tense. `data` is logged in plain text; `personal` is sealed into it under the subject's key. */
export type Event = {
  type: string
  data: object
  personal?: Record<string, string | undefined>
  /** Personal lookup values, stored as keyed digests outside the event. */
  lookups?: { kind: string; value: string }[]
  /** Sealed values outside the event, which can be deleted without breaking the chain. */
  secrets?: { name: string; sealed: Uint8Array; expiresAt?: Date }[]
}

/** A decision: events, and optionally an error. With both, the events are recorded, then the request is refused. */
export type Decision<E extends Event> = { events: E[]; refuse?: Refusal }

/** An event-sourced aggregate. `evolve` is total over its events and does not depend on a clock. */
export type Aggregate<S, E extends Event> = {
  type: StreamType
  initial: S
  evolve: (state: S, event: E) => S
}

type ActorType = 'anonymous' | 'person' | 'service' | 'agent' | 'operator' | 'system'

export type Actor = {
  type: ActorType
  /** UAI of a person, client id of a service, name of an operator's account. */
  id?: string
  clientId?: string
  sessionId?: string
  credentialId?: string
}

/** Metadata of the request behind an append. */
export type RequestFacts = {
  id: string
  clientIp?: string
  userAgent?: string
}
