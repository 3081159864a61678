import type { Command, Terminal } from '../../scripts/lib/terminal.ts'

export type Result = { exitCode: number; out: string; err: string }

/** Calls an operator command as if from a shell with that environment. */
export async function call(command: Command, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Result> {
  const out: string[] = []
  const err: string[] = []
  const terminal: Terminal = { env, out: (line) => void out.push(line), err: (line) => void err.push(line) }
  const exitCode = await command(args, terminal)
  return { exitCode, out: out.join('\n'), err: err.join('\n') }
}
