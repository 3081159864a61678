import { actAsOperator, mayActOn, type Operator } from '../access/operator.ts'
import { endKey } from '../api-keys/key-lineage.ts'
import { revokeBlastRadius } from '../audit/blast-radius.ts'
import type { Call } from '../call.ts'
import { apiClient, reinstateClient, suspendClient } from '../domain/api-client.ts'
import { connection, disableConnection, enableConnection } from '../domain/connection.ts'
import { identity, reinstate, suspend } from '../domain/identity.ts'
import { end, session } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import { eraseOther } from '../people/account-erasure.ts'
import { ownerOf } from '../queries/console.ts'
import { findPerson } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'
import { operatedBlastRadius } from './operated-blast-radius.ts'

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

type Asked = { call: Call; operator: Operator; id: string; reason: string }

const asOperator = ({ call, operator }: Asked, block: (work: Work) => Promise<void>) =>
  commit(call, async (work) => {
    actAsOperator(work, operator)
    await block(work)
  })

/** @throws GatewayError not_found, also for people that the operator does not administer */
function answered({ operator }: Asked, person: Person | undefined): Person {
  if (!person || !mayActOn(operator, person)) throw new GatewayError('not_found')
  return person
}

/** Applications and providers need an operator of all organizations. @throws GatewayError access_denied */
function demandPlatform({ operator }: Asked): void {
  if (operator.organizationId !== undefined)
    throw new GatewayError('access_denied', { reason: 'one organization only' })
}

async function standing(asked: Asked, act: 'suspend' | 'reinstate'): Promise<void> {
  const { operator, id, reason } = asked
  const { gateway } = asked.call
  const { uai } = answered(asked, await findPerson(gateway.reads, gateway.personal, id))
  if (uai === operator.principal.person.uai) throw new GatewayError('access_denied', { reason: 'own account' })
  await asOperator(asked, async (work) => {
    const stream = await work.load(identity, uai, { subject: uai })
    stream.decide((state) => (act === 'suspend' ? suspend(state, reason) : reinstate(state, reason)))
  })
}

async function endSession(asked: Asked): Promise<void> {
  const { call, id } = asked
  const { gateway } = call
  const { uai } = answered(asked, await ownerOf(gateway.reads, gateway.personal, 'session', id))
  await asOperator(asked, async (work) => {
    const stream = await work.load(session, id, { subject: uai })
    stream.decide((state) => end(state, 'revoked', asked.reason))
  })
}

async function revokeApiKey(asked: Asked): Promise<void> {
  const { call, id, reason } = asked
  const { gateway } = call
  const { uai } = answered(asked, await ownerOf(gateway.reads, gateway.personal, 'api_key', id))
  await asOperator(asked, async (work) => {
    await endKey(work, { id, createdBy: uai }, reason)
  })
}

async function changeClient(asked: Asked, act: 'suspendClient' | 'reinstateClient'): Promise<void> {
  demandPlatform(asked)
  await asOperator(asked, async (work) => {
    const stream = await work.load(apiClient, asked.id, {})
    stream.decide((state) =>
      act === 'suspendClient' ? suspendClient(state, asked.reason) : reinstateClient(state, asked.reason),
    )
  })
}

async function changeProvider(asked: Asked, act: 'disable' | 'enable'): Promise<void> {
  demandPlatform(asked)
  await asOperator(asked, async (work) => {
    const stream = await work.load(connection, asked.id, {})
    stream.decide((state) =>
      act === 'disable' ? disableConnection(state, asked.reason) : enableConnection(state, asked.reason),
    )
  })
}

async function revokeAll(asked: Asked): Promise<void> {
  const { call, operator, id, reason } = asked
  const radius = await operatedBlastRadius(call.gateway, operator, id)
  await revokeBlastRadius(call, radius, { act: (work) => actAsOperator(work, operator), reason })
}

/**
 * Runs an operator's action; the event records the reason.
 * @throws GatewayError not_found, access_denied, rate_limited
 */
export async function actOn(asked: Asked, act: Act): Promise<void> {
  switch (act) {
    case 'suspend':
    case 'reinstate':
      return standing(asked, act)
    case 'erase': {
      await eraseOther(asked.call, asked.operator, { uai: asked.id, reason: asked.reason })
      return
    }
    case 'end':
      return endSession(asked)
    case 'revoke':
      return revokeApiKey(asked)
    case 'suspendClient':
    case 'reinstateClient':
      return changeClient(asked, act)
    case 'disable':
    case 'enable':
      return changeProvider(asked, act)
    case 'revokeAll':
      return revokeAll(asked)
  }
}
