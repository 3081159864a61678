import type postgres from 'postgres'
import type { ActorClaim } from '../domain/delegation.ts'
import type { TokenFamily } from '../domain/token-family.ts'
import type { RateLimit } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn } from './api-clients.ts'
import {
  joinPerson,
  type Person,
  type PersonRow,
  personColumns,
  type SessionFacts,
  type SessionRow,
  sessionColumns,
  toPerson,
  toSession,
} from './person.ts'
import { waitColumn } from './rate-limits.ts'

type FamilyRow = {
  id: string
  kind: Family['kind']
  api_key_id: string | null
  api_key_rotations: number | null
  agent_delegation_id: string | null
  confirmation: Confirmation | null
  actor: ActorClaim | null
  ancestors: string[]
  ancestor_tokens: string[]
  ancestry_live: boolean
  client_id: string
  scope: string[]
  resources: string[]
  offline: boolean
  refresh_hash: string | null
  previous_hash: string | null
  generation: number
  rotated_at: Date | null
  refresh_expires_at: Date | null
  family_expires_at: Date
  family_started_at: Date
  revoked_at: Date | null
  family_version: number
  family_client: Client
  client: Client | null
  jti_revoked: boolean
  answer: Uint8Array | null
  wait: number
} & PersonRow &
  SessionRow

/** What an access token is bound to (RFC 7800): a DPoP key (RFC 9449 section 6) or a certificate (RFC 8705 section 3). */
export type Confirmation = { jkt?: string; 'x5t#S256'?: string }

type FamilyFacts = {
  id: string
  scope: string[]
  resources: string[]
  offline: boolean
  startedAt: Date
  expiresAt: Date
  refreshExpiresAt?: Date
  refreshHash?: string
  /** The client the tokens belong to. */
  client: Client
  confirmation?: Confirmation
  actor?: ActorClaim
  version: number
  state: TokenFamily
  /** The family, its session where it depends on one, its person and its client all stand. */
  live: boolean
}

/** Tokens of a person who signed in. */
export type PersonFamily = FamilyFacts & { kind: 'authorization' | 'session'; person: Person; session: SessionFacts }

/** Tokens with which a service acts for a person, from another token or an API key (RFC 8693). */
export type DelegatedFamily = FamilyFacts & {
  kind: 'delegated'
  person: Person
  session?: SessionFacts
  /** The key it all began with, and how often that had been rotated. */
  apiKey?: { id: string; rotations: number }
  /** The person's word to an agent that it all began with. */
  agentDelegation?: string
  /** The families and access tokens it came from, oldest first. */
  ancestors: string[]
  ancestorTokens: string[]
}

/** Tokens of a service in its own name. */
export type ServiceFamily = FamilyFacts & { kind: 'service'; person?: undefined; session?: undefined }

export type Family = PersonFamily | DelegatedFamily | ServiceFamily

export type FamilyLookup = {
  /** Undefined when the look-up was for the caller alone. */
  family?: Family
  /** The client that asks, where it said so. */
  client?: Client
  jtiRevoked: boolean
  /** The sealed answer of the last rotation, while it may be given again. */
  answer?: Uint8Array
  /** Seconds until the asked limits open. */
  wait: number
}

/** Everything that introspection, verification, refresh and revocation need to know, in one statement. */
export async function findFamily(
  sql: postgres.Sql,
  personal: Personal,
  input: { familyId?: string; jti?: string; clientId?: string; limits?: RateLimit[] },
): Promise<FamilyLookup> {
  const [row] = await sql<FamilyRow[]>`
    select f.id, f.kind, f.api_key_id, f.api_key_rotations, f.agent_delegation_id, f.confirmation, f.actor, f.ancestors::text[] as ancestors,
      f.ancestor_tokens, case when f.kind = 'delegated' then auth_gateway.ancestry_is_live(f) else true end as ancestry_live,
      f.client_id, f.scope, f.resources, f.offline, f.refresh_hash, f.previous_hash, f.generation, f.rotated_at,
      f.refresh_expires_at, f.expires_at as family_expires_at, f.started_at as family_started_at, f.revoked_at,
      f.version as family_version, to_jsonb(fc) as family_client, ${clientColumn(sql, input.clientId)},
      exists (select 1 from auth_gateway.access_token_revocations r where r.jti = ${input.jti ?? null}) as jti_revoked,
      (select e.sealed from auth_gateway.event_secrets e
        where e.event_id = f.rotation_event and e.name = 'answer' and e.expires_at > now()) as answer,
      ${waitColumn(sql, input.limits)},
      ${personColumns(sql)}, ${sessionColumns(sql)}
    from (select 1) as one
    left join auth_gateway.token_families f on f.id = ${input.familyId ?? null}
    left join auth_gateway.api_clients fc on fc.id = f.client_id
    left join auth_gateway.sessions s on s.id = f.session_id
    ${joinPerson(sql, sql`f.uai`)}`
  if (!row) throw new Error('a look-up without a row')
  return {
    family: row.id ? toFamily(personal, row) : undefined,
    client: row.client ?? undefined,
    jtiRevoked: row.jti_revoked,
    answer: row.answer ?? undefined,
    wait: row.wait,
  }
}

function toFamily(personal: Personal, row: FamilyRow): Family {
  const revoked = row.revoked_at !== null
  const state: TokenFamily = revoked
    ? { status: 'revoked' }
    : {
        status: 'active',
        clientId: row.client_id,
        generation: row.generation,
        refreshHash: row.refresh_hash ?? undefined,
        previousHash: row.previous_hash ?? undefined,
        rotatedAt: row.rotated_at ?? undefined,
        refreshExpiresAt: row.refresh_expires_at ?? undefined,
        expiresAt: row.family_expires_at,
      }
  const facts: FamilyFacts = {
    id: row.id,
    scope: row.scope,
    resources: row.resources,
    offline: row.offline,
    startedAt: row.family_started_at,
    expiresAt: row.family_expires_at,
    refreshExpiresAt: row.refresh_expires_at ?? undefined,
    refreshHash: row.refresh_hash ?? undefined,
    client: row.family_client,
    confirmation: row.confirmation ?? undefined,
    actor: row.actor ?? undefined,
    version: row.family_version,
    state,
    live: !revoked && row.family_expires_at > new Date() && row.family_client.status === 'active',
  }
  if (row.kind === 'service') return { ...facts, kind: row.kind }
  const person = toPerson(personal, row)
  const session = row.session_id ? toSession(row) : undefined
  const live = facts.live && row.ancestry_live && person.active && (row.offline || session?.live === true)
  if (row.kind === 'delegated') {
    const { ancestors, ancestor_tokens: ancestorTokens } = row
    const apiKey = row.api_key_id ? { id: row.api_key_id, rotations: row.api_key_rotations ?? 0 } : undefined
    const agentDelegation = row.agent_delegation_id ?? undefined
    return { ...facts, kind: row.kind, live, person, session, apiKey, agentDelegation, ancestors, ancestorTokens }
  }
  if (!session) throw new Error('a family without its session')
  return { ...facts, kind: row.kind, live, person, session }
}
