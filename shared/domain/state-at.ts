import type { Aggregate, Event } from '../events/types.ts'
import { type AgentDelegation, type AgentDelegationEvent, agentDelegation } from './agent-delegation.ts'
import { type ApiKey, type ApiKeyEvent, apiKey } from './api-key.ts'
import { type Consent, type ConsentEvent, consent } from './consent.ts'
import { type Identity, type IdentityEvent, identity } from './identity.ts'
import { type Session, type SessionEvent, type SessionFacts, session } from './session.ts'
import { type TokenFamily, type TokenFamilyEvent, type TokenFamilyFacts, tokenFamily } from './token-family.ts'

type Held = { id: string; scopes: string[]; expires_at: string | null }

/** What a person could do at a time, before looking at what each thing needs of the others. */
export type StateAt = {
  uai: string
  status: string
  role: string
  organization_id: string
  merged_into: string | null
  sessions: { id: string; method: string; amr: string[]; acr: string; started_at: string; expires_at: string }[]
  tokens: (Held & { kind: string; client_id: string; resources: string[]; actor: object | null })[]
  keys: (Held & { preview: string; owner: string })[]
  agents: (Held & { client_id: string; resources: string[] })[]
  consents: { client_id: string; scopes: string[]; resources: string[]; granted_at: string }[]
}

export type PastEvent = {
  streamType: string
  streamId: string
  type: string
  data: Record<string, unknown>
  recordedAt: Date
  /** Public id of the client that the event names by its row id. */
  clientId: string | null
  /** When the session that the event starts was last seen, up to today: earlier times are not recorded. */
  lastSeenAt: Date | null
}

/** A stream as its events leave it. */
type Past<S, F> = {
  id: string
  state: S
  /** Members of its events that are not in the state; the latest value if several events have one. */
  facts: F
  changedAt: Date
  clientId: string
  lastSeenAt: Date | null
}

/** The events that change what people can do, each with the members of its data that do. */
type Folded<E extends Event> = { [T in E['type']]?: readonly (keyof Extract<E, { type: T }>['data'] & string)[] }

/** The streams of one type, each folded from its events. */
function streamsOf<S, E extends Event, F>({ initial, evolve }: Aggregate<S, E>, folded: Folded<E>) {
  const members: Record<string, readonly string[] | undefined> = folded
  const streams = new Map<string, Past<S, F>>()
  const add = ({ streamId: id, type, data: whole, recordedAt: changedAt, clientId, lastSeenAt }: PastEvent) => {
    const data = Object.fromEntries(
      (members[type] ?? []).flatMap((name) => (name in whole ? [[name, whole[name]]] : [])),
    )
    const before = streams.get(id)
    streams.set(id, {
      id,
      state: evolve(before?.state ?? initial, { type, data } as unknown as E),
      facts: { ...before?.facts, ...data } as F,
      changedAt,
      clientId: clientId ?? before?.clientId ?? '',
      lastSeenAt: lastSeenAt ?? before?.lastSeenAt ?? null,
    })
  }
  return { add, streams, members }
}

const OF_SESSION = ['uai', 'openedFrom', 'method', 'amr', 'acr', 'authenticatedAt', 'idleSeconds', 'expiresAt'] as const
const OF_FAMILY = ['kind', 'uai', 'sessionId', 'actor', 'ancestors', 'scope', 'resources', 'offline'] as const
type SessionPast = Pick<SessionFacts, (typeof OF_SESSION)[number]>
type FamilyPast = Pick<TokenFamilyFacts, (typeof OF_FAMILY)[number]>

const createStreams = () => ({
  identity: streamsOf<Identity, IdentityEvent, { role: string; organizationId: string }>(identity, {
    IdentityCreated: ['role', 'organizationId'],
    IdentityChanged: ['role', 'organizationId'],
    IdentityMerged: ['into'],
    IdentitySplit: [],
    IdentitySuspended: [],
    IdentityReinstated: [],
    IdentityErased: [],
  }),
  session: streamsOf<Session, SessionEvent, SessionPast>(session, {
    SessionStarted: [...OF_SESSION, 'provenBy'],
    SessionSteppedUp: ['amr', 'acr', 'provenBy'],
    SessionWeakened: ['amr', 'acr', 'removed'],
    SessionEnded: [],
  }),
  token_family: streamsOf<TokenFamily, TokenFamilyEvent, FamilyPast>(tokenFamily, {
    TokenFamilyStarted: [...OF_FAMILY, 'refreshExpiresAt', 'expiresAt'],
    RefreshTokenRotated: ['refreshExpiresAt'],
    TokenFamilyRevoked: [],
  }),
  api_key: streamsOf<ApiKey, ApiKeyEvent, { preview: string }>(apiKey, {
    ApiKeyCreated: ['ownerType', 'createdBy', 'preview', 'settings'],
    ApiKeyUpdated: ['settings'],
    ApiKeyNarrowed: ['settings'],
    ApiKeyRotated: ['preview', 'expiresAt'],
    ApiKeyRevoked: [],
    ApiKeyQuarantined: [],
    ApiKeyDeleted: [],
  }),
  agent_delegation: streamsOf<AgentDelegation, AgentDelegationEvent, { uai: string }>(agentDelegation, {
    AgentDelegated: ['uai', 'scopes', 'resources', 'expiresAt'],
    AgentDelegationEnded: [],
  }),
  consent: streamsOf<Consent, ConsentEvent, { uai: string }>(consent, {
    ConsentGranted: ['uai', 'scopes', 'resources'],
    ConsentWithdrawn: [],
  }),
})
type Streams = ReturnType<typeof createStreams>

const kinds = Object.entries(createStreams()).map(([stream, { members }]) => ({ stream, members }))

/** What of the log says what people can do. */
export const PAST_EVENTS = {
  streams: kinds.map(({ stream }) => stream),
  types: kinds.flatMap(({ members }) => Object.keys(members)),
  /** The members of their data that are folded. */
  members: [...new Set(kinds.flatMap(({ members }) => Object.values(members).flatMap((names) => names ?? [])))],
}

/** Folds the events up to a time, added in order of position, into who could do what then. */
export function createPast(at: Date) {
  const streams = createStreams()
  return {
    add: (event: PastEvent): void => streams[event.streamType as keyof Streams].add(event),
    people: (): StateAt[] => peopleAt(streams, at),
  }
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)

function peopleAt(all: Streams, at: Date): StateAt[] {
  const identities = [...all.identity.streams.values()].sort(byId)
  const merged = Map.groupBy(identities, ({ state }) => state.mergedInto)
  const membersOf = (uai: string): string[] => [uai, ...(merged.get(uai) ?? []).flatMap(({ id }) => membersOf(id))]
  const heldBy = holdings(all, at)
  return identities.map(({ id: uai, state: { status, mergedInto }, facts: { role, organizationId } }) => ({
    ...{ uai, status, role, organization_id: organizationId, merged_into: mergedInto ?? null },
    ...heldBy(mergedInto === undefined ? membersOf(uai) : [uai]),
  }))
}

/** What identities that are one person could use: what was theirs, had not ended, and rested on nothing that had. */
function holdings(all: Streams, at: Date) {
  const goesOn = (until: string | Date | undefined) => until === undefined || new Date(until) > at
  const isSeen = ({ state, facts, lastSeenAt }: Past<Session, SessionPast>) => {
    const seen = Math.max(new Date(facts.authenticatedAt).getTime(), lastSeenAt?.getTime() ?? 0)
    return state.status === 'started' && goesOn(facts.expiresAt) && goesOn(new Date(seen + facts.idleSeconds * 1000))
  }
  const hasEnded = (id: string | undefined) => all.session.streams.get(id ?? '')?.state.status === 'ended'
  const isRevoked = (id: string) => all.token_family.streams.get(id)?.state.status === 'revoked'
  const restsOn = (id: string | undefined) => {
    const opener = id === undefined ? undefined : all.session.streams.get(id)
    return id === undefined || (opener !== undefined && isSeen(opener))
  }

  const sessions = Map.groupBy(all.session.streams.values(), ({ facts }) => facts.uai)
  const families = Map.groupBy(all.token_family.streams.values(), ({ facts }) => facts.uai)
  const keys = Map.groupBy(all.api_key.streams.values(), ({ state }) =>
    state.status === 'active' ? state.createdBy : '',
  )
  const agents = Map.groupBy(all.agent_delegation.streams.values(), ({ facts }) => facts.uai)
  const consents = Map.groupBy(all.consent.streams.values(), ({ facts }) => facts.uai)

  return (members: string[]): Pick<StateAt, 'sessions' | 'tokens' | 'keys' | 'agents' | 'consents'> => {
    const of = <T extends { id: string }>(groups: Map<string | undefined, T[]>) =>
      members.flatMap((uai) => groups.get(uai) ?? []).sort(byId)
    return {
      sessions: of(sessions)
        .filter((one) => isSeen(one) && !hasEnded(one.facts.openedFrom))
        .map(({ id, facts: { method, amr, acr, authenticatedAt: started_at, expiresAt: expires_at } }) => ({
          ...{ id, method, amr, acr, started_at, expires_at },
        })),
      tokens: of(families).flatMap(({ id, state, clientId: client_id, facts }) => {
        const { kind, scope: scopes, resources, actor = null, sessionId, offline, ancestors = [] } = facts
        if (state.status !== 'active' || !goesOn(state.expiresAt) || !goesOn(state.refreshExpiresAt)) return []
        if (!(offline || restsOn(sessionId)) || ancestors.some(isRevoked)) return []
        return [{ id, kind, client_id, scopes, resources, actor, expires_at: state.expiresAt.toISOString() }]
      }),
      keys: of(keys).flatMap(({ id, state, facts: { preview } }) => {
        if (state.status !== 'active' || !goesOn(state.settings.expiresAt)) return []
        const { scopes, expiresAt: expires_at = null } = state.settings
        return [{ id, preview, scopes, owner: state.ownerType, expires_at }]
      }),
      agents: of(agents).flatMap(({ id, state, clientId: client_id }) => {
        if (state.status !== 'active' || !goesOn(state.expiresAt)) return []
        const { scopes, resources, expiresAt: expires_at } = state
        return [{ id, client_id, scopes, resources, expires_at }]
      }),
      consents: of(consents)
        .filter(({ state: { scopes, resources } }) => scopes.length + resources.length > 0)
        .map(({ clientId: client_id, state, changedAt }) => ({
          client_id,
          ...state,
          granted_at: changedAt.toISOString(),
        }))
        .sort((a, b) => (a.granted_at < b.granted_at ? -1 : 1)),
    }
  }
}
