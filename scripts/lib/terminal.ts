import { realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GatewayError } from '../../shared/errors.ts'

/** What a command has to do with the world around it. */
export type Terminal = {
  env: NodeJS.ProcessEnv
  /** A line of the answer. */
  out(line: string): void
  /** A line for the person only: errors and remarks. */
  err(line: string): void
}

/** Takes arguments, answers with the exit code: 0 done, 1 a fault was found or the request refused, 2 wrong usage. */
export type Command = (args: string[], terminal: Terminal) => Promise<number>

/** The command was called in a way that makes no sense. */
export class UsageError extends Error {}

/** The command makes sense, but cannot be done. */
export class RefusedError extends Error {}

/** Runs a command and turns what it throws into a sentence and an exit code. */
export async function run(command: Command, usage: string, args: string[], terminal: Terminal): Promise<number> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    terminal[args.length === 0 ? 'err' : 'out'](usage)
    return args.length === 0 ? 2 : 0
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

/**
 * Runs a command as this process when `moduleUrl` is the file that node was started with. It works in the project's folder;
 * INIT_CWD, which npm sets, says where the person stands.
 */
export async function runAsProgram(moduleUrl: string, command: Command): Promise<void> {
  const started = process.argv[1]
  if (!started || realpathSync(started) !== fileURLToPath(moduleUrl)) return
  process.env.INIT_CWD ??= process.cwd()
  process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
  process.exitCode = await command(process.argv.slice(2), { env: process.env, out: console.log, err: console.error })
}

/** @throws UsageError when the flag is not a whole number of zero or more */
export function wholeNumber(flag: string, value: unknown): number {
  if (typeof value !== 'string' || !/^\d{1,9}$/.test(value)) throw new UsageError(`--${flag} takes a whole number`)
  return Number(value)
}

/**
 * A folder that the person names from where they stand.
 * @throws RefusedError when it is none
 */
export function folderOf({ env }: Terminal, named: string): string {
  const folder = resolve(env.INIT_CWD ?? '', named)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new RefusedError(`${named} is not a folder`)
  return folder
}

/** Rows as columns of text; every row has the members of the first. */
export function table(rows: Record<string, string>[]): string {
  const [first] = rows
  if (!first) return ''
  const lines = [Object.keys(first), ...rows.map((row) => Object.values(row))]
  const widths = Object.keys(first).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

// A connection that fails at several addresses is an AggregateError without a message.
function sentence(error: Error): string {
  if (error instanceof GatewayError && error.options.reason) return `${error.message} (${error.options.reason})`
  const inner = error instanceof AggregateError ? error.errors[0] : undefined
  return error.message || (inner instanceof Error ? inner.message : error.name)
}
