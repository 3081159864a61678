import { mayActOn, type Operator } from '../access/operator.ts'
import { endKey } from '../api-keys/key-lineage.ts'
import { agentDelegation, endDelegation } from '../domain/agent-delegation.ts'
import { end, session } from '../domain/session.ts'
import { revokeFamily, tokenFamily } from '../domain/token-family.ts'
import { GatewayError } from '../errors.ts'
import { type CommitContext, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import {
  actsOnOthers,
  beganAfter,
  findOrigin,
  livenessOf,
  peopleOf,
  type TracedEvent,
} from '../queries/blast-radius.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Streams that are revoked concurrently. */
const BATCH = 50

type Follower = {
  kind: string
  id: string
  /** The session, key, token or grant that it was derived from, or the origin. */
  from: string
  label: string | null
  live: boolean
  since: string
  uai: string | null
}

export type BlastRadius = {
  origin: { event: string; type: string; stream: { type: string; id: string }; recorded_at: string }
  people: { uai: string; role: string; organizations: string[] }[]
  followed: Follower[]
  /** Actions on other people in these sessions. */
  acts: { event: string; type: string; subject: string | null; recorded_at: string }[]
}

/** Returns every id in an event: its credential and its cause. */
function namesOf(value: unknown, found: string[] = []): string[] {
  if (typeof value === 'string') {
    if (UUID.test(value)) found.push(value)
  } else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) namesOf(inner, found)
  return found
}

/** Returns the streams that followed from a first one: those whose event names an earlier one. One pass, since causes come first. */
function follow(origin: TracedEvent, after: TracedEvent[]): { event: TracedEvent; from: string }[] {
  const reached = new Set([origin.stream_id, origin.event_id])
  const { requestId } = origin.metadata
  const followed: { event: TracedEvent; from: string }[] = []
  for (const event of after) {
    if (reached.has(event.stream_id)) continue
    const { correlationId: _request, requestId: own, ...done } = event.metadata
    // Later events of the same request followed from it too.
    const from =
      namesOf([event.data, done]).find((name) => reached.has(name)) ??
      (requestId && own === requestId ? origin.stream_id : undefined)
    if (!from) continue
    reached.add(event.stream_id)
    followed.push({ event, from: from === origin.event_id ? origin.stream_id : from })
  }
  return followed
}

/**
 * Traces the blast radius of a credential or an event: the sessions, tokens, keys and agents that were derived from it.
 * @param id of an event, a session, a token family, an API key or an agent's delegation
 * @throws GatewayError not_found
 */
export async function traceBlastRadius({ reads }: Gateway, id: string): Promise<BlastRadius> {
  const origin = await findOrigin(reads, id)
  if (!origin) throw new GatewayError('not_found')
  const { subject, metadata, data } = origin
  const people = await peopleOf(
    reads,
    [subject, metadata.actor, data.uai].filter((one): one is string => typeof one === 'string' && UUID.test(one)),
  )
  const members = people.flatMap((one) => one.members)
  const followed = follow(origin, await beganAfter(reads, members, origin.position))
  const all = [{ event: origin, from: origin.stream_id }, ...followed]
  const ids = all.map(({ event }) => event.stream_id)
  const known = new Map((await livenessOf(reads, ids)).map(({ id, ...rest }) => [id, rest]))
  const sessions = all.filter(({ event }) => event.stream_type === 'session').map(({ event }) => event.stream_id)
  const acts = await actsOnOthers(reads, sessions, members)
  return {
    origin: {
      event: origin.event_id,
      type: origin.event_type,
      stream: { type: origin.stream_type, id: origin.stream_id },
      recorded_at: origin.recorded_at.toISOString(),
    },
    people: people.map(({ uai, role, organizations }) => ({ uai, role, organizations })),
    followed: all.flatMap(({ event, from }) => {
      const { stream_type: kind, stream_id: id, subject: uai } = event
      const found = known.get(id)
      return found ? [{ kind, id, from, ...found, since: event.recorded_at.toISOString(), uai }] : []
    }),
    acts: acts.map((one) => ({
      event: one.event_id,
      type: one.event_type,
      subject: one.subject,
      recorded_at: one.recorded_at.toISOString(),
    })),
  }
}

/**
 * Returns the blast radius of a credential or event, if the operator may act on every person in it.
 * @throws GatewayError not_found, rate_limited
 */
export async function operatedBlastRadius(gateway: Gateway, operator: Operator, id: string): Promise<BlastRadius> {
  // One operator must not exhaust the database with reads of the log.
  await gateway.limiter.enforce(gateway.limiter.of('blast-radius', operator.principal.person.uai))
  const radius = await traceBlastRadius(gateway, id)
  const all = radius.people.every((person) => mayActOn(operator, person))
  if (!all || (radius.people.length === 0 && operator.organizationId !== undefined)) throw new GatewayError('not_found')
  return radius
}

type By = { act: (work: Work) => void; reason: string; as?: 'operator' | 'person' }

async function revoke(work: Work, { kind, id, uai }: Follower, { reason, as = 'operator' }: By): Promise<void> {
  const options = { subject: uai ?? undefined }
  if (kind === 'session') (await work.load(session, id, options)).decide((state) => end(state, 'revoked', reason))
  else if (kind === 'token_family')
    (await work.load(tokenFamily, id, options)).decide((state) => revokeFamily(state, as, reason))
  else if (kind === 'api_key') await endKey(work, { id, createdBy: uai ?? '' }, reason)
  else if (kind === 'agent_delegation')
    (await work.load(agentDelegation, id, options)).decide((state) => endDelegation(state, reason))
}

/**
 * Revokes everything in a blast radius that can still be used.
 * @param by.as who revokes tokens, an operator by default
 * @returns how many were revoked
 */
export async function revokeBlastRadius(call: CommitContext, { followed }: BlastRadius, by: By): Promise<number> {
  const live = followed.filter((one) => one.live)
  for (let start = 0; start < live.length; start += BATCH)
    await commit(call, async (work) => {
      by.act(work)
      for (const one of live.slice(start, start + BATCH)) await revoke(work, one, by)
    })
  return live.length
}
