import { readFileSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { GatewayError } from '../../shared/errors.ts'

/** Environment and output of a command. */
export type Terminal = {
  env: NodeJS.ProcessEnv
  /** Prints a line of the result. */
  out(line: string): void
  /** Prints a line for people only: errors and remarks. */
  err(line: string): void
}

/** Takes arguments and returns the exit code: 0 done, 1 a problem was found or the request refused, 2 wrong usage. */
export type Command = (args: string[], terminal: Terminal) => Promise<number>

/** The command was called with wrong arguments. */
export class UsageError extends Error {}

/** The arguments are right, but the command cannot be carried out. */
export class RefusedError extends Error {}

/** A command with its usage. */
export type Program = Command & { usage: string }

/**
 * Makes a command a program, and runs it if `moduleUrl` is the file that node was started with: `--help` and wrong usage print its usage,
 * and a thrown error becomes a sentence and an exit code. It then runs in the project's folder; INIT_CWD, which npm sets, is the folder that
 * the user is in.
 * @param options.alone whether it runs without arguments, rather than print its usage
 */
export async function program(
  moduleUrl: string,
  usage: string,
  command: Command,
  options: { alone?: boolean } = {},
): Promise<Program> {
  const run: Command = async (args, terminal) => {
    const isIncomplete = args.length === 0 && !options.alone
    if (isIncomplete || args.includes('--help') || args.includes('-h')) {
      terminal[isIncomplete ? 'err' : 'out'](usage)
      return isIncomplete ? 2 : 0
    }
    try {
      return await command(args, terminal)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
      terminal.err(isUsage ? `${error.message}\n\n${usage}` : sentence(error))
      return isUsage ? 2 : 1
    }
  }
  const started = process.argv[1]
  if (started && realpathSync(started) === fileURLToPath(moduleUrl)) {
    process.env.INIT_CWD ??= process.cwd()
    process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
    process.exitCode = await run(process.argv.slice(2), { env: process.env, out: console.log, err: console.error })
  }
  return Object.assign(run, { usage })
}

/**
 * Reads the flags of a command without positional arguments.
 * @throws UsageError for anything else
 */
export function readFlags<const T extends ParseArgsOptionsConfig>(args: string[], options: T) {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  if (positionals.length > 0) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  return values
}

/** @throws UsageError when the flag is not a whole number of zero or more */
export function wholeNumber(flag: string, value: unknown): number {
  if (typeof value !== 'string' || !/^\d{1,9}$/.test(value)) throw new UsageError(`--${flag} takes a whole number`)
  return Number(value)
}

/**
 * Resolves a folder relative to the one that the user is in.
 * @throws RefusedError when it is not a folder
 */
export function folderOf({ env }: Terminal, named: string): string {
  const folder = resolve(env.INIT_CWD ?? '', named)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new RefusedError(`${named} is not a folder`)
  return folder
}

/**
 * Reads a file, relative to the folder that the user is in; `-` is standard input.
 * @param parse makes something else of its text
 * @throws RefusedError when it cannot be read or parsed
 */
export function readFileOf<T>({ env }: Terminal, named: string, parse: (text: string) => T): T {
  try {
    return parse(readFileSync(named === '-' ? 0 : resolve(env.INIT_CWD ?? '', named), 'utf8'))
  } catch (error) {
    throw new RefusedError(`${named === '-' ? 'Standard input' : named} cannot be read: ${(error as Error).message}`)
  }
}

const cell = (value: unknown) => (value instanceof Date ? value.toISOString() : String(value ?? ''))

/** Formats rows as columns of text; every row has the members of the first. */
export function table(rows: object[]): string {
  const [first] = rows
  if (!first) return ''
  const lines = [Object.keys(first), ...rows.map((row) => Object.values(row).map(cell))]
  const widths = Object.keys(first).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const padded = (line: string[]) => line.map((text, column) => text.padEnd(widths[column] ?? 0))
  return lines.map((line) => padded(line).join('  ').trimEnd()).join('\n')
}

/** Formats names and values as a line each. */
export const fieldLines = (fields: [name: string, value: unknown][]) =>
  fields.map(([name, value]) => `${name.padEnd(20)}${value}`).join('\n')

/** Reads the flags of a program that is not a command; for `--help` and wrong usage it prints the usage and ends the process. */
export function readFlagsOrExit<const T extends ParseArgsOptionsConfig>(usage: string, options: T) {
  const args = process.argv.slice(2)
  try {
    if (!args.includes('--help') && !args.includes('-h')) return readFlags(args, options)
    console.log(usage)
    process.exit(0)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}

const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'CONNECT_TIMEOUT']

// A connection that fails at several addresses is an AggregateError without a message.
function sentence(error: Error): string {
  if (error instanceof GatewayError && error.options.reason) return `${error.message} (${error.options.reason})`
  const inner = error instanceof AggregateError ? error.errors[0] : undefined
  const message = error.message || (inner instanceof Error ? inner.message : error.name)
  const code = String((error as { code?: string }).code ?? (inner as { code?: string } | undefined)?.code)
  return UNREACHABLE.includes(code) ? `The database does not answer: ${message}` : message
}
