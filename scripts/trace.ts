import { parseArgs } from 'node:util'
import { revokeBlastRadius, traceBlastRadius } from '../shared/audit/blast-radius.ts'
import { createCall } from '../shared/call.ts'
import { stateAt } from '../shared/operators/operated-state.ts'
import { findIdentity } from './lib/find-identity.ts'
import { actAsAccount, withGateway } from './lib/operator.ts'
import { program, RefusedError, runAsProgram, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run trace -- radius <id> [--revoke --reason <text>] [--json]   shows what followed from an event, session, token family, key or agent
npm run trace -- state <time> [<uai or e-mail>] [--json]           shows who could do what at a time (ISO 8601)

radius changes nothing, unless --revoke is given: then everything in it that is still valid is revoked.
state folds the events of a person up to that time; without a person it walks the whole log.`

const options = { json: { type: 'boolean' }, revoke: { type: 'boolean' }, reason: { type: 'string' } } as const

async function radius(terminal: Terminal, id: string, flags: { json?: boolean; revoke?: boolean; reason?: string }) {
  if (flags.revoke && !flags.reason) throw new UsageError('--revoke needs a --reason')
  return withGateway(terminal, async (gateway) => {
    const found = await traceBlastRadius(gateway, id)
    const by = { act: actAsAccount, reason: flags.reason ?? '' }
    const revoked = flags.revoke ? await revokeBlastRadius(createCall(gateway), found, by) : 0
    if (flags.json) terminal.out(JSON.stringify({ ...found, revoked }, null, 2))
    else {
      const rows = found.followed.map(({ kind, id: one, from, label, live, since }) => ({
        kind,
        id: one,
        from,
        what: label ?? '',
        since,
        state: live ? 'live' : 'ended',
      }))
      terminal.out(table(rows) || 'nothing followed')
      for (const { type, subject, recorded_at } of found.acts)
        terminal.out(`${recorded_at} ${type} on ${subject ?? '-'}`)
      terminal.out(flags.revoke ? `${revoked} revoked` : 'nothing was revoked: give --revoke --reason <text>')
    }
    return 0
  })
}

async function state(terminal: Terminal, time: string, who: string | undefined, json: boolean | undefined) {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) throw new UsageError('state takes a time such as 2026-11-26T12:00:00Z')
  if (at > new Date()) throw new UsageError('state takes a time that has passed')
  return withGateway(terminal, async (gateway) => {
    const found = who === undefined ? undefined : await findIdentity(gateway, who)
    if (who !== undefined && !found) throw new RefusedError('No such identity')
    const people = await stateAt(gateway, at, found?.members)
    const count = (list: unknown[]) => String(list.length)
    const rows = people.map(({ uai, status, role, sessions, tokens, keys, agents }) => ({
      uai,
      status,
      role,
      sessions: count(sessions),
      tokens: count(tokens),
      keys: count(keys),
      agents: count(agents),
    }))
    terminal.out(json ? JSON.stringify(people, null, 2) : table(rows) || 'no one')
    return 0
  })
}

async function command(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [action, what, who, ...rest] = positionals
  if (rest.length > 0 || what === undefined) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  if (action === 'radius' && who === undefined) return radius(terminal, what, flags)
  if (action === 'state') return state(terminal, what, who, flags.json)
  throw new UsageError(`There is no "${positionals.join(' ')}"`)
}

/** Operator command: traces what followed from something, and who could do what at a time. */
export const trace = program(USAGE, command)

await runAsProgram(import.meta.url, trace)
