import { actAsOperator, mayActOn, type Operator } from '../access/operator.ts'
import { endKey } from '../api-keys/key-lineage.ts'
import { revokeBlastRadius } from '../audit/blast-radius.ts'
import { apiClient, reinstateClient, suspendClient } from '../domain/api-client.ts'
import { connection, disableConnection, enableConnection } from '../domain/connection.ts'
import { identity, reinstate, suspend } from '../domain/identity.ts'
import { end, session } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { eraseOther } from '../people/account-erasure.ts'
import { ownerOf } from '../queries/console.ts'
import { findPerson } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'
import { operatedRadius } from './operated-radius.ts'

export const ACTS = [
  'suspend',
  'reinstate',
  'erase',
  'end',
  'revoke',
  'suspendClient',
  'reinstateClient',
  'disable',
  'enable',
  'revokeAll',
] as const
export type Act = (typeof ACTS)[number]

type Call = { gateway: Gateway; c: AppContext; operator: Operator; id: string; reason: string }

const asOperator = ({ gateway, c, operator }: Call, block: (work: Work) => Promise<void>) =>
  commit(commitContext(gateway, c), async (work) => {
    actAsOperator(work, operator)
    await block(work)
  })

/** @throws GatewayError not_found, also for whom the operator does not answer */
function answered({ operator }: Call, person: Person | undefined): Person {
  if (!person || !mayActOn(operator, person)) throw new GatewayError('not_found')
  return person
}

/** Applications and providers are everybody's. @throws GatewayError access_denied */
function demandPlatform({ operator }: Call): void {
  if (operator.organizationId !== undefined)
    throw new GatewayError('access_denied', { reason: 'one organization only' })
}

async function standing(call: Call, act: 'suspend' | 'reinstate'): Promise<void> {
  const { gateway, operator, id, reason } = call
  const { uai } = answered(call, await findPerson(gateway.reads, gateway.personal, id))
  if (uai === operator.principal.person.uai) throw new GatewayError('access_denied', { reason: 'themselves' })
  await asOperator(call, async (work) => {
    const stream = await work.load(identity, uai, { subject: uai })
    stream.decide((state) => (act === 'suspend' ? suspend(state, reason) : reinstate(state, reason)))
  })
}

async function endSession(call: Call): Promise<void> {
  const { gateway, id } = call
  const { uai } = answered(call, await ownerOf(gateway.reads, gateway.personal, 'session', id))
  await asOperator(call, async (work) => {
    const stream = await work.load(session, id, { subject: uai })
    stream.decide((state) => end(state, 'revoked', call.reason))
  })
}

async function revokeApiKey(call: Call): Promise<void> {
  const { gateway, id, reason } = call
  const { uai } = answered(call, await ownerOf(gateway.reads, gateway.personal, 'api_key', id))
  await asOperator(call, async (work) => {
    await endKey(work, { id, createdBy: uai }, reason)
  })
}

async function changeClient(call: Call, act: 'suspendClient' | 'reinstateClient'): Promise<void> {
  demandPlatform(call)
  await asOperator(call, async (work) => {
    const stream = await work.load(apiClient, call.id, {})
    stream.decide((state) =>
      act === 'suspendClient' ? suspendClient(state, call.reason) : reinstateClient(state, call.reason),
    )
  })
}

async function changeProvider(call: Call, act: 'disable' | 'enable'): Promise<void> {
  demandPlatform(call)
  await asOperator(call, async (work) => {
    const stream = await work.load(connection, call.id, {})
    stream.decide((state) =>
      act === 'disable' ? disableConnection(state, call.reason) : enableConnection(state, call.reason),
    )
  })
}

async function revokeAll(call: Call): Promise<void> {
  const { gateway, c, operator, id, reason } = call
  const radius = await operatedRadius(gateway, operator, id)
  await revokeBlastRadius(commitContext(gateway, c), radius, { act: (work) => actAsOperator(work, operator), reason })
}

/**
 * Does what an operator asks of a thing they answer for; the reason stands in the event.
 * @throws GatewayError not_found, access_denied, rate_limited
 */
export async function actOn(call: Call, act: Act): Promise<void> {
  switch (act) {
    case 'suspend':
    case 'reinstate':
      return standing(call, act)
    case 'erase': {
      await eraseOther(call.gateway, call.c, call.operator, { uai: call.id, reason: call.reason })
      return
    }
    case 'end':
      return endSession(call)
    case 'revoke':
      return revokeApiKey(call)
    case 'suspendClient':
    case 'reinstateClient':
      return changeClient(call, act)
    case 'disable':
    case 'enable':
      return changeProvider(call, act)
    case 'revokeAll':
      return revokeAll(call)
  }
}
