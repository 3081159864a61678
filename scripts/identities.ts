import { parseArgs } from 'node:util'
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
import { recoveryCodes, replaceCodes } from '../shared/domain/recovery-codes.ts'
import { remove, totpAuthenticator } from '../shared/domain/totp-authenticator.ts'
import type { Decision } from '../shared/events/types.ts'
import type { Gateway } from '../shared/gateway.ts'
import { erasePerson } from '../shared/people/erase-person.ts'
import { splitIdentity } from '../shared/people/identities.ts'
import { listFactors } from '../shared/queries/factors.ts'
import { listProvenance } from '../shared/queries/identities.ts'
import { resumeProof } from '../shared/sign-in/factors/proofs.ts'
import { findIdentity, type IdentitySummary } from './lib/find-identity.ts'
import { act, actAsAccount, withGateway } from './lib/operator.ts'
import { program, RefusedError, runAsProgram, type Terminal, UsageError, wholeNumber } from './lib/terminal.ts'

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

type Call = { gateway: Gateway; found: IdentitySummary; who: string; role: string; reason: string; backupDays: number }

async function decide(
  { gateway, found }: Call,
  decision: (state: Identity) => Decision<IdentityEvent>,
): Promise<IdentitySummary> {
  const { uai } = found
  await act(gateway, async (work) => (await work.load(identity, uai, { subject: uai })).decide(decision))
  return (await findIdentity(gateway, uai)) ?? found
}

/** An operator must have set up an app before: otherwise an attacker who reads their mail could enroll one. */
async function refuseWithoutApp(gateway: Gateway, { members }: IdentitySummary): Promise<void> {
  const { authenticators } = await listFactors(gateway.reads, gateway.personal, { members })
  if (authenticators.length === 0)
    throw new RefusedError(
      'They have no authenticator app yet: they must set one up at /account/totp first. --without-app skips this check',
    )
}

/** Removes the factors of a person who has lost their app and their recovery codes. */
async function resetFactors({ gateway, found: { members }, reason }: Call): Promise<void> {
  await act(gateway, async (work) => {
    const { authenticators, recoveryCodes: sets } = await listFactors(gateway.reads, gateway.personal, { members })
    for (const one of authenticators) resumeProof(work, totpAuthenticator, one).decide((state) => remove(state, reason))
    for (const one of sets) resumeProof(work, recoveryCodes, one).decide((state) => replaceCodes(state, reason))
  })
}

const actions: Record<string, (call: Call) => Promise<object>> = {
  show: async ({ found }) => found,
  suspend: (call) => decide(call, (state) => suspend(state, call.reason)),
  reinstate: (call) => decide(call, (state) => reinstate(state, call.reason)),
  role: (call) => decide(call, (state) => changeIdentity(state, { role: call.role, reason: call.reason })),
  'reset-factors': async (call) => {
    await resetFactors(call)
    return (await findIdentity(call.gateway, call.found.uai)) ?? call.found
  },
  erase: ({ gateway, found, reason, backupDays }) =>
    erasePerson(createCall(gateway), found, { act: actAsAccount, reason, backupDays }),
  provenance: async ({ gateway, found }) => listProvenance(gateway.reads, found.members),
  split: async ({ gateway, who, reason }) => {
    await act(gateway, (work) => splitIdentity(work, { uai: who, reason }))
    return (await findIdentity(gateway, who)) ?? {}
  },
}

const options = {
  json: { type: 'boolean' },
  reason: { type: 'string', default: 'operator' },
  'backup-days': { type: 'string', default: '30' },
  'without-app': { type: 'boolean' },
} as const

async function command(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [action = '', who, role = '', ...rest] = positionals
  const perform = actions[action]
  if (!perform || rest.length > 0 || (role && action !== 'role'))
    throw new UsageError(`There is no "${positionals.join(' ')}"`)
  if (who === undefined) throw new UsageError('Who? Give a UAI or an e-mail address')
  if (action === 'role' && !ROLES.includes(role)) throw new UsageError(`The role is one of ${ROLES.join(', ')}`)
  const backupDays = wholeNumber('backup-days', flags['backup-days'])
  return withGateway(terminal, async (gateway) => {
    const found = await findIdentity(gateway, who)
    if (!found) throw new RefusedError('No such identity')
    if (found.status === 'erased' && /suspend|reinstate|role/.test(action))
      throw new RefusedError(`${found.uai} is erased`)
    if (OPERATOR_ROLES.some((one) => one === role) && !flags['without-app']) await refuseWithoutApp(gateway, found)
    const answer = await perform({ gateway, found, who, role, reason: flags.reason, backupDays })
    const rows = Array.isArray(answer)
      ? answer.map((one) => [one.event_type, JSON.stringify(one)])
      : Object.entries(answer)
    const text = rows.map(([name, value]) => `${name.padEnd(20)}${value}`)
    terminal.out(flags.json ? JSON.stringify(answer, null, 2) : text.join('\n'))
    return 0
  })
}

/** Operator command: manages and erases people. */
export const identities = program(USAGE, command)

await runAsProgram(import.meta.url, identities)
