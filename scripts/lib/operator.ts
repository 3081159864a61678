import { userInfo } from 'node:os'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type postgres from 'postgres'
import { createCall } from '../../shared/call.ts'
import { loadConfig } from '../../shared/config.ts'
import { commit, type Work } from '../../shared/events/commit.ts'
import { createEventStore } from '../../shared/events/store.ts'
import type { Aggregate, Decision, Event } from '../../shared/events/types.ts'
import { type Gateway, openGateway } from '../../shared/gateway.ts'
import { StartError } from '../../shared/start.ts'
import { operatorConnection, operatorEnvironment } from './operator-environment.ts'
import { type Program, program, RefusedError, type Terminal, UsageError } from './terminal.ts'

const COMMON = { json: { type: 'boolean' } } as const

/** The flags of a command with these options. */
export type Flags<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; options: O & typeof COMMON }>
>['values']

/** The arguments of an operator command. */
type Arguments<O extends ParseArgsOptionsConfig> = {
  /** The first argument. */
  action: string
  /** The second argument, and the third; empty if there is none. */
  what: string
  third: string
  flags: Flags<O>
}

/** One run of an operator command. */
export type OperatorCall<O extends ParseArgsOptionsConfig, I = undefined> = Arguments<O> & {
  gateway: Gateway
  terminal: Terminal
  /** What `readInput` returned. */
  input: I
}

type OperatorCommand<O extends ParseArgsOptionsConfig, R, I> = {
  usage: string
  options: O
  /** Returns the message for an action that needs a second argument; nothing if it takes none. */
  needs?: (action: string) => string | undefined
  /** The action that takes a third argument. */
  withThird?: string
  /**
   * Returns what the actions read from the arguments; it runs before the database is opened.
   * @throws UsageError
   */
  readInput?: (given: Arguments<O>) => I
  actions: Record<string, (call: OperatorCall<O, I>) => Promise<R>>
  /** Returns what is printed of a result. */
  print(result: R, call: OperatorCall<O, I>): Promise<Printed> | Printed
}

/** A result as JSON and as text. */
export type Printed = {
  json: unknown
  text: string
  /** For people only. */
  remark?: string
}

/** Makes an operator command that runs one of several actions on a gateway. */
export function operatorProgram<const O extends ParseArgsOptionsConfig, R, I = undefined>(
  moduleUrl: string,
  command: OperatorCommand<O, R, I>,
): Promise<Program> {
  return program(moduleUrl, command.usage, async (args, terminal) => {
    const options = { ...command.options, ...COMMON }
    const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
    const [action = '', what = '', third = '', ...rest] = positionals
    const perform = command.actions[action]
    const needed = command.needs?.(action)
    const tooMany = rest.length > 0 || (third && action !== command.withThird) || (what && !needed)
    if (!perform || tooMany) throw new UsageError(`There is no "${positionals.join(' ')}"`)
    if (needed && !what) throw new UsageError(needed)
    const given = { action, what, third, flags: flags as Flags<O> }
    const input = command.readInput?.(given) as I
    return withGateway(terminal, async (gateway) => {
      const call = { ...given, gateway, terminal, input }
      const { json, text, remark } = await command.print(await perform(call), call)
      terminal.out('json' in flags && flags.json ? JSON.stringify(json, null, 2) : text)
      if (remark) terminal.err(remark)
      return 0
    })
  })
}

/**
 * Opens a gateway on the operator's connection while `use` runs.
 * @throws RefusedError when this environment does not fit the database
 */
export async function withGateway<T>({ env }: Terminal, use: (gateway: Gateway) => Promise<T>): Promise<T> {
  const { gateway } = await openGateway(loadConfig(operatorEnvironment(env))).catch((error) => {
    throw error instanceof StartError ? new RefusedError(error.message) : error
  })
  try {
    return await use(gateway)
  } finally {
    await gateway.close()
  }
}

export function actAsAccount(work: Work): void {
  work.actor = { type: 'operator', id: accountName() }
}

/** Runs a unit of work in the name of the operator. */
export function act<T>(gateway: Gateway, block: (work: Work) => Promise<T>): Promise<T> {
  return commit(createCall(gateway), async (work) => {
    actAsAccount(work)
    return block(work)
  })
}

/** The same, in a transaction that also does something else. The caller keeps the streams from changing meanwhile. */
export const actWithin = <T>(
  sql: postgres.TransactionSql,
  gateway: Gateway,
  block: (work: Work) => Promise<T>,
): Promise<T> => act({ ...gateway, store: createEventStore(sql, sql, 1) }, block)

/** A gateway, and the owner's connection for transactions, which the pools of a gateway do not take. */
export type Owner = { gateway: Gateway; sql: postgres.Sql }

/** How long the error of a statement may come after the end of its connection, which says less. */
const LOST_MS = 500

/**
 * Opens the owner's connection beside a gateway while `use` runs.
 * @throws RefusedError when the connection ends meanwhile: the driver would let the next statement of a transaction wait for ever
 */
export async function asOwner<T>({ env }: Terminal, gateway: Gateway, use: (owner: Owner) => Promise<T>): Promise<T> {
  const { promise: lost, reject } = Promise.withResolvers<never>()
  const refuse = () => reject(new RefusedError('The database ended the connection. Run the command again.'))
  let isDone = false
  const onclose = () => void (isDone || setTimeout(refuse, LOST_MS))
  const sql = operatorConnection(env, 'operator', { onclose, max_lifetime: null })
  return Promise.race([use({ gateway, sql }), lost]).finally(() => {
    isDone = true
    return sql.end({ timeout: 1 })
  })
}

/** Decides on one stream in the name of the operator. */
export async function decideAsOperator<S, E extends Event>(
  gateway: Gateway,
  aggregate: Aggregate<S, E>,
  id: string,
  decision: (state: S) => Decision<E>,
): Promise<void> {
  await act(gateway, async (work) => (await work.load(aggregate, id, {})).decide(decision))
}

/** Returns the operating system's name of the user who runs this command. */
export function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}
