import type { PersonPrincipal } from '../../access/authenticate.ts'
import { commitAs } from '../../access/authority.ts'
import { isOperator } from '../../access/operator.ts'
import { needsPasskey } from '../../access/step-up.ts'
import type { Call } from '../../call.ts'
import { type Passkey, type PasskeyEvent, passkey, removePasskey, renamePasskey } from '../../domain/passkey.ts'
import { GatewayError } from '../../errors.ts'
import type { Work } from '../../events/commit.ts'
import type { Decision } from '../../events/types.ts'
import { notifyFactorChange } from '../../people/factor-notices.ts'
import { listCredentials } from '../../queries/credentials.ts'
import { listFactors } from '../../queries/factors.ts'
import type { PasskeyRecord } from '../../queries/passkeys.ts'
import { resumeFactor } from '../factors/check-factor.ts'
import { afterFactorRemoval } from '../factors/factor-removal.ts'

/** Decides on one of the person's own passkeys in a unit of work. @throws GatewayError not_found */
async function decideOwn(
  { gateway: { reads, personal } }: Call,
  work: Work,
  { person }: PersonPrincipal,
  id: string,
  decide: (state: Passkey) => Decision<PasskeyEvent>,
): Promise<{ own: PasskeyRecord; isLast: boolean }> {
  const { passkeys } = await listFactors(reads, personal, person)
  const own = passkeys.find((one) => one.id === id)
  if (!own) throw new GatewayError('not_found')
  resumeFactor(work, passkey, own).decide(decide)
  return { own, isLast: passkeys.length === 1 }
}

/** @throws GatewayError not_found */
export async function renameOwnPasskey(
  call: Call,
  principal: PersonPrincipal,
  { id, name }: { id: string; name: string },
): Promise<void> {
  await commitAs(call, principal, (work) => decideOwn(call, work, principal, id, (state) => renamePasskey(state, name)))
}

/**
 * Removes a passkey of the caller and notifies them. A person without another way to sign in keeps the last one.
 * @throws GatewayError not_found, last_credential, last_passkey of an operator
 */
export async function removeOwnPasskey(call: Call, principal: PersonPrincipal, id: string): Promise<void> {
  const { person } = principal
  await commitAs(call, principal, async (work) => {
    const { own, isLast } = await decideOwn(call, work, principal, id, (state) => removePasskey(state, 'person'))
    if (isLast && isOperator(person) && needsPasskey(call.gateway, person)) throw new GatewayError('last_passkey')
    const methods = await listCredentials(call.gateway.reads, call.gateway.personal, person)
    if (isLast && !methods.some(({ usable }) => usable)) throw new GatewayError('last_credential')
    await afterFactorRemoval(call.gateway, work, person, { removed: [id], reason: 'factors_changed' })
    notifyFactorChange(call, work, { person, kind: 'passkey_removed', what: own.name })
  })
}
