import { liftBreaker, smsBreaker } from '../shared/domain/sms-breaker.ts'
import { lift, suppression } from '../shared/domain/suppression.ts'
import type { Gateway } from '../shared/gateway.ts'
import { countMessages, listMessages, listSuppressions } from '../shared/queries/messages.ts'
import { listBreakers } from '../shared/queries/sms-guard.ts'
import { addressLookup } from '../shared/typed/address.ts'
import { act, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { RefusedError, table, UsageError } from './lib/terminal.ts'

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

const AN_ADDRESS = 'an e-mail address or a number with its country code'
const NEEDS: Record<string, string> = { list: AN_ADDRESS, lift: AN_ADDRESS, resume: 'a country, such as CH, or *' }

const options = { reason: { type: 'string' } } as const
/** The input is the reason. */
type Call = OperatorCall<typeof options, string>

const digestOf = ({ personal }: Gateway, address: string) => personal.digest(addressLookup(address))

const stopped = async ({ gateway }: Call): Promise<object[]> =>
  (await listBreakers(gateway.reads)).map(({ id: _, ...row }) => row)
const suppressed = async ({ gateway }: Call): Promise<object[]> =>
  (await listSuppressions(gateway.reads, gateway.personal)).map(({ id: _, address = '(forgotten)', ...row }) => ({
    address,
    ...row,
  }))

/** Operator command: shows the delivery status of messages, and lifts suppressions and stops. */
export const messages = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs: (action) => NEEDS[action] && `${action} needs ${NEEDS[action]}`,
  readInput({ action, flags: { reason = '' } }): string {
    if (/^(lift|resume)$/.test(action) && !reason) throw new UsageError(`${action} needs --reason`)
    return reason
  },
  actions: {
    figures: ({ gateway }: Call): Promise<object[]> => countMessages(gateway.reads),
    list: ({ gateway, what }: Call) => listMessages(gateway.reads, [digestOf(gateway, what)], NEWEST),
    suppressed,
    stopped,
    async lift(call: Call) {
      const { gateway, what, input: reason } = call
      const found = await listSuppressions(gateway.reads, gateway.personal, digestOf(gateway, what))
      if (found.length === 0) throw new RefusedError('That address is not suppressed')
      await act(gateway, async (work) => {
        for (const { id } of found)
          (await work.load(suppression, id, { subject: id })).decide((state) => lift(state, reason))
      })
      return suppressed(call)
    },
    async resume(call: Call) {
      const { gateway, what, input: reason } = call
      const found = (await listBreakers(gateway.reads)).filter(({ country }) => country === what.toUpperCase())
      if (found.length === 0) throw new RefusedError('Text messages to that country are not stopped')
      await act(gateway, async (work) => {
        for (const { id } of found) (await work.load(smsBreaker, id, {})).decide((state) => liftBreaker(state, reason))
      })
      return stopped(call)
    },
  },
  print: (rows) => ({ json: rows, text: table(rows) || 'None' }),
})
