import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import { ACR } from '../domain/authentication.ts'
import type { ActorClaim } from '../domain/delegation.ts'
import type { TokenFamily } from '../domain/token-family.ts'
import type { RateLimit } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import type { Client } from './api-clients.ts'
import type { SupabaseResource } from './authorizations.ts'
import { type Person, type PersonRow, type SessionFacts, type SessionRow, toPerson, toSession } from './person.ts'
import { limitsParameter } from './rate-limits.ts'

type FamilyRow = {
  id: string
  kind: Family['kind']
  api_key_id: string | null
  api_key_rotations: number | null
  agent_delegation_id: string | null
  confirmation: Confirmation | null
  actor: ActorClaim | null
  acr: string | null
  amr: string[] | null
  authenticated_at: string | null
  ancestors: string[]
  ancestor_tokens: string[]
  client_id: string
  scope: string[]
  resources: string[]
  offline: boolean
  refresh_hash: string | null
  previous_hash: string | null
  generation: number
  rotated_at: string | null
  refresh_expires_at: string | null
  expires_at: string
  started_at: string
  revoked_at: string | null
  version: number
}

type FoundRow = {
  family: FamilyRow | null
  family_client: Client
  ancestry_live: boolean
  session: SessionRow | null
  person: PersonRow
  client: Client | null
  jti_revoked: boolean
  answer: string | null
  default_resources: string[]
  supabase: SupabaseResource | null
  wait: number
}

/** What an access token is bound to (RFC 7800): a DPoP key (RFC 9449 section 6) or a certificate (RFC 8705 section 3). */
export type Confirmation = { jkt?: string; 'x5t#S256'?: string }

type FamilyFacts = {
  id: string
  scope: string[]
  resources: string[]
  /** Resources of a token whose client names none. */
  defaultResources: string[]
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
  /** The family, its session where it depends on one, its person and its client are all active. */
  live: boolean
}

/** Tokens of a person who signed in. */
export type PersonFamily = FamilyFacts & {
  kind: 'authorization' | 'session'
  person: Person
  session: SessionFacts
  /** The Supabase project that the tokens are for. */
  supabase?: SupabaseResource
}

/** Tokens with which a service acts for a person, exchanged for another token or an API key (RFC 8693). */
export type DelegatedFamily = FamilyFacts & {
  kind: 'delegated'
  person: Person
  session?: SessionFacts
  /** The API key at the start of the chain, and its number of rotations then. */
  apiKey?: { id: string; rotations: number }
  /** The agent delegation at the start of the chain. */
  agentDelegation?: string
  /** The families and access tokens it was derived from, oldest first. */
  ancestors: string[]
  ancestorTokens: string[]
}

/** Tokens of a service in its own name. */
export type ServiceFamily = FamilyFacts & { kind: 'service'; person?: undefined; session?: undefined }

export type Family = PersonFamily | DelegatedFamily | ServiceFamily

type FamilyLookup = {
  /** Undefined when only the caller was looked up. */
  family?: Family
  /** The requesting client, if given. */
  client?: Client
  jtiRevoked: boolean
  /** The sealed response of the last rotation, during the grace window. */
  answer?: Uint8Array
  /** Seconds until the given limits are open. */
  wait: number
}

/** Reads everything for introspection, verification, refresh and revocation in one statement. */
export async function findFamily(
  sql: postgres.Sql,
  personal: Personal,
  input: { familyId?: string; jti?: string; clientId?: string; limits?: RateLimit[] },
): Promise<FamilyLookup> {
  const { familyId, jti, clientId, limits } = input
  const [row] = await atOnce(sql<{ found: FoundRow }[]>`
    select auth_gateway.find_family(${familyId ?? null}, ${jti ?? null}, ${clientId ?? null},
      ${limitsParameter(sql, limits)}) as found`)
  if (!row) throw new Error('lookup returned no row')
  const { found } = row
  return {
    family: found.family ? toFamily(personal, found, found.family) : undefined,
    client: found.client ?? undefined,
    jtiRevoked: found.jti_revoked,
    answer: found.answer === null ? undefined : Buffer.from(found.answer, 'base64'),
    wait: found.wait,
  }
}

/**
 * The tokens of a client that began in one of these sessions and would outlive it: those independent of their session, except with
 * offline access, and those of a session that does not end.
 */
export async function listLeftOverFamilies(
  sql: postgres.Sql,
  { clientId, sessionIds, ending }: { clientId: string; sessionIds: string[]; ending?: string },
): Promise<{ id: string; uai: string }[]> {
  return sql<{ id: string; uai: string }[]>`
    select f.id, f.uai from auth_gateway.token_families f
    where f.session_id = any (${sessionIds}) and f.client_id = ${clientId} and f.kind in ('authorization', 'session')
      and f.revoked_at is null and f.expires_at > now() and not ('offline_access' = any (f.scope))
      and (f.offline or f.session_id is distinct from ${ending ?? null}::uuid)
    order by f.started_at limit 100`
}

const dateOf = (at: string | null) => (at === null ? undefined : new Date(at))

/** The session with its authentication at the time of consent; later authentication applies to later tokens only. */
function asAllowed(session: SessionFacts, { acr, amr, authenticated_at }: FamilyRow): SessionFacts {
  if (acr === null || amr === null || authenticated_at === null) return { ...session, steppedUpAt: undefined }
  const authenticatedAt = new Date(authenticated_at)
  // A factor that raised the assurance was removed since.
  if (session.weakenedAt && session.weakenedAt >= authenticatedAt)
    return { ...session, authenticatedAt, steppedUpAt: undefined, recoveredAt: undefined }
  const steppedUpAt = acr === ACR.multiFactor || acr === ACR.phishingResistant ? authenticatedAt : undefined
  return { ...session, acr, amr, authenticatedAt, steppedUpAt, recoveredAt: undefined }
}

/** Undefined for tokens of a sign-in whose session is in an archive: nothing that came from it is valid any more. */
function toFamily(personal: Personal, found: FoundRow, row: FamilyRow): Family | undefined {
  const { family_client: client } = found
  const expiresAt = new Date(row.expires_at)
  const revoked = row.revoked_at !== null
  const state: TokenFamily = revoked
    ? { status: 'revoked' }
    : {
        status: 'active',
        clientId: row.client_id,
        generation: row.generation,
        refreshHash: row.refresh_hash ?? undefined,
        previousHash: row.previous_hash ?? undefined,
        rotatedAt: dateOf(row.rotated_at),
        refreshExpiresAt: dateOf(row.refresh_expires_at),
        expiresAt,
      }
  const facts: FamilyFacts = {
    id: row.id,
    scope: row.scope,
    resources: row.resources,
    defaultResources: found.default_resources,
    offline: row.offline,
    startedAt: new Date(row.started_at),
    expiresAt,
    refreshExpiresAt: dateOf(row.refresh_expires_at),
    refreshHash: row.refresh_hash ?? undefined,
    client,
    confirmation: row.confirmation ?? undefined,
    actor: row.actor ?? undefined,
    version: row.version,
    state,
    live: !revoked && expiresAt > new Date() && client.status === 'active',
  }
  if (row.kind === 'service') return { ...facts, kind: row.kind }
  const person = toPerson(personal, found.person)
  const session = found.session ? asAllowed(toSession(found.session), row) : undefined
  const live = facts.live && found.ancestry_live && person.active && (row.offline || session?.live === true)
  if (row.kind === 'delegated') {
    const { ancestors, ancestor_tokens: ancestorTokens } = row
    const apiKey = row.api_key_id ? { id: row.api_key_id, rotations: row.api_key_rotations ?? 0 } : undefined
    const agentDelegation = row.agent_delegation_id ?? undefined
    return { ...facts, kind: row.kind, live, person, session, apiKey, agentDelegation, ancestors, ancestorTokens }
  }
  return session && { ...facts, kind: row.kind, live, person, session, supabase: found.supabase ?? undefined }
}
