import type { PersonPrincipal } from '../access/authenticate.ts'
import { actAs } from '../access/authority.ts'
import { actAsOperator, mayActOn, type Operator } from '../access/operator.ts'
import type { Call } from '../call.ts'
import { erase, identity } from '../domain/identity.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import { erasureFacts, forgetErased, subjectsOfAddresses } from '../queries/erasure.ts'
import { findPerson } from '../queries/identities.ts'

const DAY_MS = 86_400_000

export type ErasureReceipt = {
  uai: string
  status: 'erased'
  erased_at: string
  /** The erasure event, and its hash in the chain. */
  event_id: string
  event_hash: string
  keys_destroyed: number
  keys_left: number
  digests_left: number
  /** When the last backup that contains the key expires. */
  backups_forget_by: string
}

/**
 * Permanently erases a person: records the erasure first, then destroys the keys. Retry after a failure to complete it.
 * @param person.members every UAI that resolves to them
 * @param by the actor and reason, and the retention of backups in days
 * @throws GatewayError not_found
 */
export async function erasePerson(
  call: Call,
  { uai, members }: { uai: string; members: string[] },
  by: { act: (work: Work) => void; reason: string; backupDays: number },
): Promise<ErasureReceipt> {
  const { reads } = call.gateway
  let destroyed = 0
  for (const one of members) {
    const forgotten = await subjectsOfAddresses(reads, one)
    await commit(call, async (work) => {
      by.act(work)
      const stream = await work.load(identity, one, { subject: one })
      stream.decide((state) => erase(state, { reason: by.reason, forgotten }))
    })
    destroyed += await forgetErased(reads, one)
  }
  const facts = await erasureFacts(reads, uai, members)
  if (!facts) throw new GatewayError('not_found')
  return {
    uai,
    status: 'erased',
    erased_at: facts.recorded_at.toISOString(),
    event_id: facts.event_id,
    event_hash: facts.hash,
    keys_destroyed: destroyed,
    keys_left: facts.keys,
    digests_left: facts.digests,
    backups_forget_by: new Date(call.now().getTime() + by.backupDays * DAY_MS).toISOString(),
  }
}

/** Permanently erases the caller's own account. The route requires a recent authentication. */
export function eraseSelf(call: Call, principal: PersonPrincipal): Promise<ErasureReceipt> {
  const backupDays = call.gateway.config.BACKUP_DAYS
  return erasePerson(call, principal.person, { act: (work) => actAs(work, principal), reason: 'person', backupDays })
}

/**
 * Permanently erases a person whom the operator administers. Operators erase themselves on their own account page.
 * @throws GatewayError not_found
 */
export async function eraseOther(
  call: Call,
  operator: Operator,
  { uai, reason }: { uai: string; reason: string },
): Promise<ErasureReceipt> {
  const { config, reads, personal } = call.gateway
  const person = await findPerson(reads, personal, uai)
  if (!person || !mayActOn(operator, person)) throw new GatewayError('not_found')
  if (person.uai === operator.principal.person.uai) throw new GatewayError('access_denied', { reason: 'own account' })
  const act = (work: Work) => actAsOperator(work, operator)
  return erasePerson(call, person, { act, reason, backupDays: config.BACKUP_DAYS })
}
