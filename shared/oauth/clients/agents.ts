import { canonicalScope, satisfies } from '../../../packages/auth-server/src/scope.ts'
import type { PersonPrincipal } from '../../access/authenticate.ts'
import { commitAs } from '../../access/authority.ts'
import { chooseResources, withoutSupabase } from '../../access/resource.ts'
import { endKey } from '../../api-keys/key-lineage.ts'
import type { Call } from '../../call.ts'
import { agentDelegation, delegate, endDelegation } from '../../domain/agent-delegation.ts'
import { consent, withdraw } from '../../domain/consent.ts'
import { isKnownScope, mayHold, scopesOf } from '../../domain/scopes.ts'
import { revokeFamily, tokenFamily } from '../../domain/token-family.ts'
import { GatewayError } from '../../errors.ts'
import { aboutPerson } from '../../events/commit.ts'
import { newId } from '../../ids.ts'
import { findApplication, findDelegation, listDelegations } from '../../queries/agent-delegations.ts'
import type { Client } from '../../queries/api-clients.ts'
import { findForService, type Resource } from '../../queries/authorizations.ts'
import type { Person } from '../../queries/person.ts'
import { refreshClientDocument } from './client-document.ts'

const MOST_AGENTS = 50
export const MOST_DAYS = 365

type NewAgent = { client_id: string; scopes: string[]; resources?: string[]; days: number }

/** Whether a person can delegate a scope to an agent. Keys that an agent creates would outlive it. */
export function mayDelegate({ role }: Pick<Person, 'role'>, scope: string): boolean {
  return isKnownScope(scope) && mayHold(role, scope) && !scope.startsWith('api-keys:')
}

/** Whether a resource has a scope. The default resource covers the whole API, others have their registered scopes. */
const has = ({ is_default, scopes }: Resource, scope: string) => is_default || satisfies(scopes, scope)

/** Returns the client of an agent. It must be confidential, since a name alone authenticates no one. */
async function findAgent(call: Call, clientId: string): Promise<Client> {
  const unknown = (reason: string) => new GatewayError('agent_unknown', { reason })
  await refreshClientDocument(call, clientId, 'authorize').catch((error: unknown) => {
    throw error instanceof GatewayError && error.status < 500 ? unknown(error.message) : error
  })
  const { client } = await findForService(call.gateway.reads, { clientId })
  if (client?.status !== 'active') throw unknown('unknown client')
  if (client.metadata.token_endpoint_auth_method === 'none') throw unknown('public client')
  return client
}

/**
 * Lets an agent act for the person for a number of days, with scopes that the person and each resource have.
 * @throws GatewayError agent_unknown, invalid_scope, invalid_target, too_many_agents
 */
export async function delegateToAgent(call: Call, principal: PersonPrincipal, input: NewAgent) {
  const { gateway } = call
  const { person } = principal
  const client = await findAgent(call, input.client_id)
  const scopes = [...new Set(input.scopes.map(canonicalScope))]
  if (scopes.length === 0 || !scopes.every((one) => mayDelegate(person, one))) throw new GatewayError('invalid_scope')
  const known = withoutSupabase((await findForService(gateway.reads, {})).resources)
  const resources = chooseResources(known, input.resources)
  const chosen = known.filter(({ identifier }) => resources.includes(identifier))
  if (!scopes.every((one) => chosen.every((resource) => has(resource, one)))) throw new GatewayError('invalid_scope')
  const id = newId()
  const expiresAt = new Date(gateway.now().getTime() + input.days * 86_400_000)
  await commitAs(call, principal, async (work) => {
    work.limits = gateway.limiter.of('agents', person.uai)
    const there = await listDelegations(gateway.reads, person)
    if (there.length >= MOST_AGENTS) throw new GatewayError('too_many_agents')
    const facts = { uai: person.uai, clientId: client.id, scopes, resources, expiresAt: expiresAt.toISOString() }
    const from = { scopes: scopesOf(person.role) }
    work.start(agentDelegation, id, aboutPerson(person)).decide(() => delegate(facts, from))
  })
  return { id, client, scopes, resources, expiresAt }
}

/** Revokes a delegation and its tokens. @throws GatewayError not_found, also for another person's */
export async function revokeAgent(call: Call, principal: PersonPrincipal, id: string) {
  const { person } = principal
  const { delegation, person: grantor } = await findDelegation(call.gateway.reads, call.gateway.personal, { id })
  if (!delegation || grantor?.uai !== person.uai) throw new GatewayError('not_found')
  return commitAs(call, principal, async (work) => {
    const stream = await work.load(agentDelegation, id, aboutPerson(person))
    const was = stream.state.status
    stream.decide((state) => endDelegation(state, 'person'))
    return was === 'active'
  })
}

/** Revokes an application's access: every token, the consent, and the keys that it created. @throws GatewayError not_found */
export async function revokeApplication(call: Call, principal: PersonPrincipal, clientId: string) {
  const { person } = principal
  const revoked = await commitAs(call, principal, async (work) => {
    const found = await findApplication(call.gateway.reads, person, clientId)
    if (!found) throw new GatewayError('not_found')
    const subject = person.uai
    for (const id of found.families)
      (await work.load(tokenFamily, id, { subject })).decide((state) => revokeFamily(state, 'person'))
    for (const id of found.consents)
      (await work.load(consent, id, { subject })).decide((state) => withdraw(state, 'person'))
    return found.families.length
  })
  // Without a token it creates no more keys, so these are all.
  await commitAs(call, principal, async (work) => {
    const { keys = [] } = (await findApplication(call.gateway.reads, person, clientId)) ?? {}
    for (const key of keys) await endKey(work, key, 'application')
  })
  return revoked
}
