import { actAsOperator, commitAsOperator, mayActOn, type Operator } from '../access/operator.ts'
import { endKey } from '../api-keys/key-lineage.ts'
import { operatedBlastRadius, revokeBlastRadius } from '../audit/blast-radius.ts'
import type { Call } from '../call.ts'
import { apiClient, reinstateClient, suspendClient } from '../domain/api-client.ts'
import { connection, disableConnection, enableConnection } from '../domain/connection.ts'
import { identity, reinstate, suspend } from '../domain/identity.ts'
import { end, session } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import type { Aggregate, Decision, Event } from '../events/types.ts'
import { eraseOther } from '../people/erasure.ts'
import { ownerOf } from '../queries/console.ts'
import { findPerson } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'

type Asked = { call: Call; operator: Operator; id: string; reason: string }

/** @throws GatewayError not_found, also for people that the operator does not administer */
function answered({ operator }: Asked, person: Person | undefined): Person {
  if (!person || !mayActOn(operator, person)) throw new GatewayError('not_found')
  return person
}

/** Suspends or reinstates a person, except the operator. */
const changeStanding = (decision: typeof suspend) => async (asked: Asked) => {
  const { call, operator, id, reason } = asked
  const { uai } = answered(asked, await findPerson(call.gateway.reads, call.gateway.personal, id))
  if (uai === operator.principal.person.uai) throw new GatewayError('access_denied', { reason: 'own account' })
  await commitAsOperator(call, operator, async (work) => {
    const stream = await work.load(identity, uai, { subject: uai })
    stream.decide((state) => decision(state, reason))
  })
}

/** Changes the status of an application or provider, as an operator of all organizations. */
const changeStatus =
  <S, E extends Event>(aggregate: Aggregate<S, E>, decision: (state: S, reason: string) => Decision<E>) =>
  async ({ call, operator, id, reason }: Asked) => {
    if (operator.organizationId !== undefined)
      throw new GatewayError('access_denied', { reason: 'one organization only' })
    await commitAsOperator(call, operator, async (work) => {
      const stream = await work.load(aggregate, id, {})
      stream.decide((state) => decision(state, reason))
    })
  }

async function endSession(asked: Asked): Promise<void> {
  const { call, operator, id, reason } = asked
  const { uai } = answered(asked, await ownerOf(call.gateway.reads, call.gateway.personal, 'session', id))
  await commitAsOperator(call, operator, async (work) => {
    const stream = await work.load(session, id, { subject: uai })
    stream.decide((state) => end(state, 'revoked', reason))
  })
}

async function revokeApiKey(asked: Asked): Promise<void> {
  const { call, operator, id, reason } = asked
  const { uai } = answered(asked, await ownerOf(call.gateway.reads, call.gateway.personal, 'api_key', id))
  await commitAsOperator(call, operator, (work) => endKey(work, { id, createdBy: uai }, reason))
}

async function revokeAll({ call, operator, id, reason }: Asked): Promise<void> {
  const radius = await operatedBlastRadius(call.gateway, operator, id)
  await revokeBlastRadius(call, radius, { act: (work) => actAsOperator(work, operator), reason })
}

/** The actions of operators. The event records the reason. @throws GatewayError not_found, access_denied, rate_limited */
export const ACTIONS = {
  suspend: changeStanding(suspend),
  reinstate: changeStanding(reinstate),
  erase: ({ call, operator, id: uai, reason }: Asked) => eraseOther(call, operator, { uai, reason }),
  end: endSession,
  revoke: revokeApiKey,
  suspendClient: changeStatus(apiClient, suspendClient),
  reinstateClient: changeStatus(apiClient, reinstateClient),
  disable: changeStatus(connection, disableConnection),
  enable: changeStatus(connection, enableConnection),
  revokeAll,
}
