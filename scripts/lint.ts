import { spawnSync } from 'node:child_process'
import { platformBinary } from './lib/platform-binary.ts'
import { program, RefusedError, readFlags } from './lib/terminal.ts'

const USAGE = `npm run format
npx tsx scripts/lint.ts [--write]

Checks every file with Biome, and fixes what it can with --write. Exit code 1: something is wrong; 2: wrong usage.`

async function command(args: string[]): Promise<number> {
  const { write } = readFlags(args, { write: { type: 'boolean' } })
  const biome = platformBinary('@biomejs/cli-', 'biome')
  const { error, status } = spawnSync(biome, ['check', ...(write ? ['--write'] : []), '.'], { stdio: 'inherit' })
  if (error)
    throw new RefusedError(`Biome is not installed for ${process.platform} on ${process.arch}: ${error.message}`)
  return status ?? 1
}

/** Runs the Biome of this platform. */
export const lint = await program(import.meta.url, USAGE, command, { alone: true })
