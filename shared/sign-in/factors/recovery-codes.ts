import type { PersonPrincipal } from '../../access/authenticate.ts'
import { commitAs } from '../../access/authority.ts'
import type { Call } from '../../call.ts'
import { issueCodes, RECOVERY_CODES, recoveryCodes, replaceCodes } from '../../domain/recovery-codes.ts'
import { aboutPerson } from '../../events/commit.ts'
import { newId } from '../../ids.ts'
import { notifyFactorChange } from '../../people/factor-notices.ts'
import { listFactors } from '../../queries/factors.ts'
import { resumeFactor } from './check-factor.ts'
import { newRecoveryCode } from './factor-codes.ts'

/**
 * Creates a new set of recovery codes, which replaces the previous set.
 * @returns the codes, which are stored nowhere
 */
export async function makeRecoveryCodes(call: Call, principal: PersonPrincipal): Promise<string[]> {
  const { gateway } = call
  const { person } = principal
  const id = newId()
  const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode)
  await commitAs(call, principal, async (work) => {
    const { recoveryCodes: older } = await listFactors(gateway.reads, gateway.personal, person)
    for (const one of older) resumeFactor(work, recoveryCodes, one).decide((state) => replaceCodes(state, 'replaced'))
    const codeHashes = codes.map((code) => gateway.hashCode(id, code))
    work.start(recoveryCodes, id, aboutPerson(person)).decide(() => issueCodes({ uai: person.uai, codeHashes }))
    notifyFactorChange(call, work, { person, kind: 'recovery_codes_made' })
  })
  return codes
}
