import { parseArgs } from 'node:util'
import { liftBreaker, smsBreaker } from '../shared/domain/sms-breaker.ts'
import { lift, suppression } from '../shared/domain/suppression.ts'
import type { Gateway } from '../shared/gateway.ts'
import { countMessages, listMessages, listSuppressions } from '../shared/queries/messages.ts'
import { listBreakers } from '../shared/queries/sms-guard.ts'
import { addressLookup } from '../shared/typed/address.ts'
import { act, withGateway } from './lib/operator.ts'
import { program, RefusedError, runAsProgram, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run messages -- figures
npm run messages -- list <e-mail or +number>
npm run messages -- suppressed
npm run messages -- lift <e-mail or +number> --reason <text>
npm run messages -- stopped
npm run messages -- resume <country> --reason <text>

figures counts the messages of the last day by delivery status, and how many codes were entered. list shows the delivery status of the
newest messages to an address. suppressed lists the addresses whose messages bounced permanently or were reported as spam: they get no
messages until lift. stopped lists the countries that get no text messages because too few codes were entered; resume allows them again,
and * means all countries. --json prints JSON. Exit code 1: refused, 2: wrong usage.`
const NEWEST = 50

type Row = Record<string, unknown>
type Call = { gateway: Gateway; what: string; reason: string }
type Action = { takes?: string; needsReason?: boolean; perform(call: Call): Promise<Row[]> }

const digestOf = ({ personal }: Gateway, address: string) => personal.digest(addressLookup(address))

const stopped = async ({ gateway }: Call) => (await listBreakers(gateway.reads)).map(({ id: _, ...row }) => row)
const suppressed = async ({ gateway }: Call) =>
  (await listSuppressions(gateway.reads, gateway.personal)).map(({ id: _, address = '(forgotten)', ...row }) => ({
    address,
    ...row,
  }))

const actions: Record<string, Action> = {
  figures: { perform: ({ gateway }) => countMessages(gateway.reads) },
  list: {
    takes: 'an e-mail address or a number with its country code',
    perform: ({ gateway, what }) => listMessages(gateway.reads, [digestOf(gateway, what)], NEWEST),
  },
  suppressed: { perform: suppressed },
  lift: {
    takes: 'an e-mail address or a number with its country code',
    needsReason: true,
    async perform(call) {
      const { gateway, what, reason } = call
      const found = await listSuppressions(gateway.reads, gateway.personal, digestOf(gateway, what))
      if (found.length === 0) throw new RefusedError('That address is not suppressed')
      await act(gateway, async (work) => {
        for (const { id } of found)
          (await work.load(suppression, id, { subject: id })).decide((state) => lift(state, reason))
      })
      return suppressed(call)
    },
  },
  stopped: { perform: stopped },
  resume: {
    takes: 'a country, such as CH, or *',
    needsReason: true,
    async perform(call) {
      const { gateway, what, reason } = call
      const found = (await listBreakers(gateway.reads)).filter(({ country }) => country === what.toUpperCase())
      if (found.length === 0) throw new RefusedError('Text messages to that country are not stopped')
      await act(gateway, async (work) => {
        for (const { id } of found) (await work.load(smsBreaker, id, {})).decide((state) => liftBreaker(state, reason))
      })
      return stopped(call)
    },
  },
}

const cell = (value: unknown) => (value instanceof Date ? value.toISOString() : String(value ?? ''))

async function command(args: string[], terminal: Terminal): Promise<number> {
  const options = { json: { type: 'boolean' }, reason: { type: 'string' } } as const
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [name = '', what, ...rest] = positionals
  const action = actions[name]
  if (!action || rest.length > 0 || (what !== undefined && !action.takes))
    throw new UsageError(`There is no "${positionals.join(' ')}"`)
  if (action.takes && what === undefined) throw new UsageError(`${name} needs ${action.takes}`)
  if (action.needsReason && !flags.reason) throw new UsageError(`${name} needs --reason`)
  return withGateway(terminal, async (gateway) => {
    const rows = await action.perform({ gateway, what: what ?? '', reason: flags.reason ?? '' })
    const shown = rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, cell(value)])))
    terminal.out(flags.json ? JSON.stringify(rows, null, 2) : table(shown) || 'None')
    return 0
  })
}

/** Operator command: shows the delivery status of messages, and lifts suppressions and stops. */
export const messages = program(USAGE, command)

await runAsProgram(import.meta.url, messages)
