import { OPERATOR_ROLES } from '../shared/access/operator.ts'
import { createCall } from '../shared/call.ts'
import {
  changeIdentity,
  type Identity,
  type IdentityEvent,
  identity,
  reinstate,
  suspend,
} from '../shared/domain/identity.ts'
import { passkey, removePasskey } from '../shared/domain/passkey.ts'
import { recoveryCodes, replaceCodes } from '../shared/domain/recovery-codes.ts'
import { remove, totpAuthenticator } from '../shared/domain/totp-authenticator.ts'
import type { Decision } from '../shared/events/types.ts'
import type { Gateway } from '../shared/gateway.ts'
import { erasePerson } from '../shared/people/erasure.ts'
import { splitIdentity } from '../shared/people/identities.ts'
import { hasAuthenticator, listFactors } from '../shared/queries/factors.ts'
import { listProvenance } from '../shared/queries/identities.ts'
import { resumeFactor } from '../shared/sign-in/factors/check-factor.ts'
import { afterFactorRemoval } from '../shared/sign-in/factors/factor-removal.ts'
import { findIdentity, type IdentitySummary } from './lib/find-identity.ts'
import { act, actAsAccount, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { fieldLines, RefusedError, UsageError, wholeNumber } from './lib/terminal.ts'

const USAGE = `npm run identities -- show <uai or e-mail>
npm run identities -- suspend|reinstate <uai or e-mail> [--reason <text>]
npm run identities -- erase <uai or e-mail> [--reason <text>] [--backup-days <days>]
npm run identities -- role <uai or e-mail> user|admin|platform_admin [--reason <text>] [--without-app]
npm run identities -- reset-factors <uai or e-mail> [--reason <text>]
npm run identities -- provenance <uai or e-mail>
npm run identities -- split <retired uai> [--reason <text>]

role changes what a person may do: an admin operates their own organization, a platform_admin all of them. Both need an
authenticator app first. reset-factors removes the apps and recovery codes of a person who has lost both.
split undoes a merge: the retired identity is separate again. provenance lists who linked, merged and split what.
erase permanently destroys the person's data key and look-up digests and prints the receipt; running it again changes nothing.
The person is still in backups until they expire: --backup-days (30) is how long yours are kept.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`
const ROLES = ['user', ...OPERATOR_ROLES]

const options = {
  reason: { type: 'string', default: 'operator' },
  'backup-days': { type: 'string', default: '30' },
  'without-app': { type: 'boolean' },
} as const
type Input = { backupDays: number }
type Call = OperatorCall<typeof options, Input>

/** @throws RefusedError when there is none, or it is erased and the action would change it */
async function existing({ gateway, what, action }: Call): Promise<IdentitySummary> {
  const found = await findIdentity(gateway, what)
  if (!found) throw new RefusedError('No such identity')
  if (found.status === 'erased' && /suspend|reinstate|role/.test(action))
    throw new RefusedError(`${found.uai} is erased`)
  return found
}

async function decide(call: Call, decision: (state: Identity) => Decision<IdentityEvent>): Promise<IdentitySummary> {
  const { uai } = await existing(call)
  await act(call.gateway, async (work) => (await work.load(identity, uai, { subject: uai })).decide(decision))
  return existing({ ...call, what: uai, action: 'show' })
}

/** An operator must have set up an app before: otherwise an attacker who reads their mail could enroll one. */
async function refuseWithoutApp(gateway: Gateway, { members }: IdentitySummary): Promise<void> {
  if (!(await hasAuthenticator(gateway.reads, { members })))
    throw new RefusedError(
      'They have no authenticator app yet: they must set one up, or add a passkey, at /account first. --without-app skips this check',
    )
}

/** Removes the factors of a person who has lost their app and their recovery codes. */
async function resetFactors(call: Call): Promise<IdentitySummary> {
  const { gateway, flags } = call
  const { members } = await existing(call)
  await act(gateway, async (work) => {
    const {
      authenticators,
      passkeys,
      recoveryCodes: sets,
    } = await listFactors(gateway.reads, gateway.personal, { members })
    for (const one of authenticators)
      resumeFactor(work, totpAuthenticator, one).decide((state) => remove(state, flags.reason))
    for (const one of passkeys) resumeFactor(work, passkey, one).decide((state) => removePasskey(state, flags.reason))
    for (const one of sets) resumeFactor(work, recoveryCodes, one).decide((state) => replaceCodes(state, flags.reason))
    const removed = [...authenticators, ...passkeys].map(({ id }) => id)
    await afterFactorRemoval(gateway, work, { members }, { removed, reason: 'recovery' })
  })
  return existing(call)
}

/** Operator command: manages and erases people. */
export const identities = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs: () => 'Who? Give a UAI or an e-mail address',
  withThird: 'role',
  readInput({ action, third: role, flags }): Input {
    if (action === 'role' && !ROLES.includes(role)) throw new UsageError(`The role is one of ${ROLES.join(', ')}`)
    return { backupDays: wholeNumber('backup-days', flags['backup-days']) }
  },
  actions: {
    show: (call: Call): Promise<object> => existing(call),
    suspend: (call: Call) => decide(call, (state) => suspend(state, call.flags.reason)),
    reinstate: (call: Call) => decide(call, (state) => reinstate(state, call.flags.reason)),
    async role(call: Call) {
      const { third: role, flags } = call
      if (role !== 'user' && !flags['without-app']) await refuseWithoutApp(call.gateway, await existing(call))
      return decide(call, (state) => changeIdentity(state, { role, reason: flags.reason }))
    },
    'reset-factors': resetFactors,
    async erase(call: Call) {
      const by = { act: actAsAccount, reason: call.flags.reason, ...call.input }
      return erasePerson(createCall(call.gateway), await existing(call), by)
    },
    provenance: async (call: Call) => listProvenance(call.gateway.reads, (await existing(call)).members),
    async split(call: Call) {
      const { gateway, what, flags } = call
      await existing(call)
      await act(gateway, (work) => splitIdentity(work, { uai: what, reason: flags.reason }))
      return existing(call)
    },
  },
  print(answer) {
    const rows: [string, unknown][] = Array.isArray(answer)
      ? answer.map((one) => [one.event_type, JSON.stringify(one)])
      : Object.entries(answer)
    return { json: answer, text: fieldLines(rows) }
  },
})
