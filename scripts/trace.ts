import { revokeBlastRadius, traceBlastRadius } from '../shared/audit/blast-radius.ts'
import { createCall } from '../shared/call.ts'
import { stateAt } from '../shared/operators/operated-state.ts'
import { findIdentity } from './lib/find-identity.ts'
import { actAsAccount, type OperatorCall, operatorProgram, type Printed } from './lib/operator.ts'
import { RefusedError, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run trace -- radius <id> [--revoke --reason <text>] [--json]   shows what followed from an event, session, token family, key or agent
npm run trace -- state <time> [<uai or e-mail>] [--json]           shows who could do what at a time (ISO 8601)

radius changes nothing, unless --revoke is given: then everything in it that is still valid is revoked.
state folds the events of a person up to that time; without a person it walks the whole log.`

const options = { revoke: { type: 'boolean' }, reason: { type: 'string' } } as const
type Input = { reason: string; at: Date }
type Call = OperatorCall<typeof options, Input>

async function radius({ gateway, what, flags: { revoke }, input: { reason } }: Call): Promise<Printed> {
  const found = await traceBlastRadius(gateway, what)
  const revoked = revoke ? await revokeBlastRadius(createCall(gateway), found, { act: actAsAccount, reason }) : 0
  const rows = found.followed.map(({ kind, id, from, label, live, since }) => ({
    ...{ kind, id, from, what: label, since },
    state: live ? 'live' : 'ended',
  }))
  const lines = [
    table(rows) || 'nothing followed',
    ...found.acts.map(({ type, subject, recorded_at }) => `${recorded_at} ${type} on ${subject ?? '-'}`),
    revoke ? `${revoked} revoked` : 'nothing was revoked: give --revoke --reason <text>',
  ]
  return { json: { ...found, revoked }, text: lines.join('\n') }
}

async function state({ gateway, third: who, input: { at } }: Call): Promise<Printed> {
  const found = who ? await findIdentity(gateway, who) : undefined
  if (who && !found) throw new RefusedError('No such identity')
  const people = await stateAt(gateway, at, found?.members)
  const rows = people.map(({ uai, status, role, sessions, tokens, keys, agents }) => ({
    ...{ uai, status, role, sessions: sessions.length, tokens: tokens.length },
    ...{ keys: keys.length, agents: agents.length },
  }))
  return { json: people, text: table(rows) || 'no one' }
}

/** Operator command: traces what followed from something, and who could do what at a time. */
export const trace = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs: (action) => (action === 'state' ? 'state takes a time' : 'Which event, session, token family, key or agent?'),
  withThird: 'state',
  readInput({ action, what, flags: { revoke, reason = '' } }): Input {
    const at = new Date(what)
    if (action === 'radius' && revoke && !reason) throw new UsageError('--revoke needs a --reason')
    if (action === 'state' && Number.isNaN(at.getTime()))
      throw new UsageError('state takes a time such as 2026-11-26T12:00:00Z')
    if (action === 'state' && at > new Date()) throw new UsageError('state takes a time that has passed')
    return { reason, at }
  },
  actions: { radius, state },
  print: (printed) => printed,
})
