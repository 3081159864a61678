import { GatewayError, type Refusal } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Personal } from '../personal.ts'
import { publishEvents } from '../telemetry.ts'
import {
  type Append,
  type AppendedEvent,
  type EventStore,
  type RateLimit,
  RateLimitedError,
  StaleError,
  type StoredEvent,
} from './store.ts'
import type { Actor, Aggregate, Decision, Event, RequestFacts } from './types.ts'

/** Schema version of every event; a changed event type gets a higher number and an upcast in its aggregate. */
const SCHEMA_VERSION = 1
const MAX_ATTEMPTS = 12

/** The parts of a call that a unit of work needs. */
export type CommitContext = { gateway: { store: EventStore; personal: Personal }; request: RequestFacts }

/** The subject of a stream, whose data key encrypts its personal data. The key is looked up unless given. */
export type About = { subject?: string; wrappedKey?: Uint8Array | null }

/** A stream about a person. */
export const aboutPerson = ({ uai, wrappedKey }: { uai: string; wrappedKey?: Uint8Array | null }): About => ({
  subject: uai,
  wrappedKey,
})

export type Stream<S, E extends Event> = {
  readonly id: string
  readonly state: S
  /** Adds the events of a decision; a refusal ends the unit of work after its events are recorded. */
  decide(decision: (state: S) => Decision<E>): S
  /** Requires the stream to be unchanged: the unit runs again if it was changed concurrently. */
  hold(): void
}

export type Work = {
  /** The actor; anonymous until set. */
  actor: Actor
  /** The event or request that caused this unit, if not the current request. */
  correlationId: string
  /** Rate limits counted in the same transaction, and the error when one is full. */
  limits: RateLimit[]
  limitRefusal: Refusal
  start<S, E extends Event>(aggregate: Aggregate<S, E>, id: string, about: About): Stream<S, E>
  /** Loads a stream. Loading it again returns the same one, with the decisions so far. */
  load<S, E extends Event>(aggregate: Aggregate<S, E>, id: string, about: About): Promise<Stream<S, E>>
  /**
   * Opens a stream that another read has returned.
   * @param from its events, or its state in the read model, which is written in the same transaction as its events
   */
  resume<S, E extends Event>(
    aggregate: Aggregate<S, E>,
    id: string,
    from: StoredEvent[] | { state: S; version: number },
    about: About,
  ): Stream<S, E>
  /** Seconds after which a refused decision may be retried. */
  retryAfter?: number
  /** Whether no response waits for this unit, so that it may share a later commit. */
  patient?: boolean
  /** Ends the unit of work after the events so far are recorded. */
  refuse(refusal: Refusal): never
  /** Adds a step that decides after the block, unless the unit is refused; the function that it returns runs after the commit. */
  atEnd(step: () => () => void): void
}

/**
 * Runs a unit of work: load, decide, append everything atomically. The block runs again if a stream was changed concurrently, so it
 * must have no side effects. Events of a refused decision are recorded before the error is thrown.
 * @throws GatewayError the refusal; `service_unavailable` if a stream stays contended
 */
export async function commit<T>(context: CommitContext, block: (work: Work) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(context, block)
    } catch (error) {
      if (!(error instanceof StaleError)) throw error
      if (attempt === MAX_ATTEMPTS)
        throw new GatewayError('service_unavailable', { reason: 'contended', retryAfter: 1 })
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 15 * attempt))
    }
  }
}

/** Returns the state and version of a stream from its events. */
export const fold = <S, E extends Event>({ initial, evolve }: Aggregate<S, E>, events: StoredEvent[]) => ({
  state: events.reduce((soFar, event) => evolve(soFar, event as never), initial),
  version: events.at(-1)?.version ?? 0,
})

type Pending = { stream: OpenStream; event: Event }
type OpenStream = { type: string; id: string; version: number; subject?: string; isNew: boolean }

const nameOf = ({ type, id }: Pick<OpenStream, 'type' | 'id'>) => `${type} ${id}`

class RefusedError extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal)
  }
}

async function runOnce<T>(context: CommitContext, block: (work: Work) => Promise<T>): Promise<T> {
  const pending: Pending[] = []
  const held: OpenStream[] = []
  const steps: (() => () => void)[] = []
  const wrappedKeys = new Map<string, Uint8Array>()

  const opened = new Map<string, { at: OpenStream; stream: Stream<unknown, never> }>()

  /** Returns a stream that this unit has opened before, with the decisions so far. */
  const reopen = <S, E extends Event>(type: string, id: string, about: About): Stream<S, E> | undefined => {
    const { subject, wrappedKey } = about
    if (subject && wrappedKey) wrappedKeys.set(subject, wrappedKey)
    const found = opened.get(nameOf({ type, id }))
    if (found) found.at.subject ??= subject
    return found?.stream as Stream<S, E> | undefined
  }

  const open = <S, E extends Event>(
    aggregate: Aggregate<S, E>,
    id: string,
    { state, version }: { state: S; version: number },
    about: About,
  ): Stream<S, E> => {
    const { type } = aggregate
    const known = reopen<S, E>(type, id, about)
    if (known) return known
    const at = { type, id, version, subject: about.subject, isNew: version === 0 }
    const stream = make(aggregate, at, state)
    opened.set(nameOf(at), { at, stream: stream as Stream<unknown, never> })
    return stream
  }

  const make = <S, E extends Event>(aggregate: Aggregate<S, E>, stream: OpenStream, initial: S): Stream<S, E> => {
    let state = initial
    return {
      id: stream.id,
      get state() {
        return state
      },
      decide(decision) {
        const { events, refuse } = decision(state)
        for (const event of events) {
          pending.push({ stream, event })
          state = aggregate.evolve(state, event)
        }
        if (refuse) throw new RefusedError(refuse)
        return state
      },
      hold: () => void held.push(stream),
    }
  }

  const work: Work = {
    actor: { type: 'anonymous' },
    correlationId: context.request.id,
    limits: [],
    limitRefusal: 'rate_limited',
    start: (aggregate, id, about) => open(aggregate, id, { state: aggregate.initial, version: 0 }, about),
    load: async (aggregate, id, about) =>
      reopen(aggregate.type, id, about) ??
      work.resume(aggregate, id, await context.gateway.store.read(aggregate.type, id), about),
    resume: (aggregate, id, from, about) =>
      open(aggregate, id, Array.isArray(from) ? fold(aggregate, from) : from, about),
    refuse: (refusal) => {
      throw new RefusedError(refusal)
    },
    atEnd: (step) => void steps.push(step),
  }

  try {
    const result = await block(work)
    const tasks = steps.map((step) => step())
    await append(context, work, { pending, held }, wrappedKeys)
    for (const task of tasks) task()
    return result
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    await append(context, work, { pending, held }, wrappedKeys)
    throw new GatewayError(error.refusal, { retryAfter: work.retryAfter })
  }
}

async function append(
  context: CommitContext,
  work: Work,
  { pending, held }: { pending: Pending[]; held: OpenStream[] },
  wrappedKeys: Map<string, Uint8Array>,
): Promise<void> {
  if (pending.length === 0) return
  const seals = await openSeals(context, pending, wrappedKeys)
  const appends = new Map<OpenStream, Append>()
  let cause: string | undefined
  for (const { stream, event } of pending) {
    const appended = toAppended(context, work, stream, event, seals, cause)
    const group = appends.get(stream)
    if (group) group.events.push(appended)
    else appends.set(stream, appendTo(stream, [appended]))
    cause = appended.event_id
  }
  const changed = new Set([...appends.keys()].map(nameOf))
  for (const stream of held.filter((one) => one.version > 0 && !changed.has(nameOf(one))))
    appends.set(stream, appendTo(stream, []))
  try {
    await context.gateway.store.append([...appends.values()], seals.made, work.limits, work.patient)
    publishEvents(pending.map(({ event }) => event))
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error
    throw new GatewayError(work.limitRefusal, { retryAfter: error.retryAfter })
  }
}

const appendTo = ({ type, id, version }: OpenStream, events: AppendedEvent[]): Append => ({
  stream_type: type,
  stream_id: id,
  expected_version: version,
  events,
})

type Seals = {
  /** Seals for a subject; undefined if its key was destroyed, and then no personal data is written. */
  seal(subject: string | undefined, text: string): string | undefined
  made: { subject: string; wrapped_key: string }[]
}

async function openSeals(
  { gateway: { store, personal }, request }: CommitContext,
  pending: Pending[],
  wrappedKeys: Map<string, Uint8Array>,
): Promise<Seals> {
  const keys = new Map<string, Buffer | undefined>()
  const made: Seals['made'] = []
  for (const { stream, event } of pending) {
    const { subject } = stream
    if (!subject || keys.has(subject)) continue
    if (!event.personal && !request.clientIp && !request.userAgent) continue
    if (stream.isNew && subject === stream.id) {
      const { key, wrapped } = personal.newKey(subject)
      keys.set(subject, key)
      made.push({ subject, wrapped_key: wrapped.toString('hex') })
    } else {
      const wrapped = wrappedKeys.get(subject) ?? (await store.subjectKey(subject))
      keys.set(subject, wrapped ? personal.unwrap(subject, wrapped) : undefined)
    }
  }
  return {
    made,
    seal(subject, text) {
      const key = subject ? keys.get(subject) : undefined
      return key && subject ? personal.seal(subject, key, text) : undefined
    },
  }
}

function toAppended(
  { gateway: { personal }, request }: CommitContext,
  { actor, correlationId }: Work,
  { subject }: OpenStream,
  event: Event,
  seals: Seals,
  cause: string | undefined,
): AppendedEvent {
  const sealed = Object.entries(event.personal ?? {}).flatMap(([name, text]) => {
    const value = text === undefined ? undefined : seals.seal(subject, text)
    return value ? [[name, value]] : []
  })
  const origin = JSON.stringify({ ip: request.clientIp, userAgent: request.userAgent?.slice(0, 300) })
  return {
    event_id: newId(),
    event_type: event.type,
    schema_version: SCHEMA_VERSION,
    subject,
    data: sealed.length > 0 ? { ...event.data, sealed: Object.fromEntries(sealed) } : event.data,
    metadata: {
      requestId: request.id,
      correlationId,
      causationId: cause,
      actorType: actor.type,
      actor: actor.id,
      clientId: actor.clientId,
      sessionId: actor.sessionId,
      credentialId: actor.credentialId,
      origin: request.clientIp || request.userAgent ? seals.seal(subject, origin) : undefined,
    },
    digests: event.lookups?.map(({ kind, value }) => ({ kind, digest: personal.digest(value).toString('hex') })),
    secrets: event.secrets?.map(({ name, sealed, expiresAt }) => ({
      name,
      sealed: Buffer.from(sealed).toString('hex'),
      expires_at: expiresAt?.toISOString(),
    })),
  }
}
