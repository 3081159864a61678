import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { root } from '../process.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const SERVER = `${root}dist/server.mjs`

const bundles = mkdtempSync(path.join(tmpdir(), 'auth-gateway-bench-peers-'))
process.once('exit', () => rmSync(bundles, { recursive: true, force: true }))

const npm = (args: string[], cwd: string) => execFileSync('npm', args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })

/** Installs the packages of the peers, which are not among those of the project. */
export function installPeers(): void {
  if (!existsSync(`${folder}node_modules`)) npm(['install', '--no-audit', '--no-fund'], folder)
}

/** Builds the server of the project unless it is newer than all its sources. */
export function buildProject(): void {
  const sources = globSync('{netlify,shared}/**/*.{ts,tsx,json}', { cwd: root }).map((file) => `${root}${file}`)
  const changedAt = Math.max(...[...sources, `${root}package.json`].map((file) => statSync(file).mtimeMs))
  const builtAt = statSync(SERVER, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (builtAt < changedAt) npm(['run', 'build', '--', '--server'], root)
}

const BANNER = `import{createRequire as __createRequire}from'node:module';import{fileURLToPath as __toPath}from'node:url';
import{dirname as __parent}from'node:path';const require=__createRequire(import.meta.url);
const __filename=__toPath(import.meta.url);const __dirname=__parent(__filename);`

/** Bundles the program of a peer as the project is bundled, so that a cold start compares like with like; returns the file. */
export async function bundle(program: string): Promise<string> {
  const outfile = path.join(bundles, program)
  await build({
    entryPoints: [`${folder}servers/${program}`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
    keepNames: true,
    external: ['pg-native'],
    logLevel: 'error',
    banner: { js: BANNER },
  })
  return outfile
}
