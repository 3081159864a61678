import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { hasNetlifyBundler, packForNetlify } from './lib/netlify-bundle.ts'
import { program, RefusedError, runAsProgram, type Terminal, UsageError } from './lib/terminal.ts'

const MAX_FUNCTION_BYTES = 352 * 1024
/** An archive holds Netlify's own entry as well, some 350 KB. */
const MAX_ARCHIVE_BYTES = 900 * 1024
const root = fileURLToPath(new URL('..', import.meta.url))

const USAGE = `npm run build [-- [--server] [<folder>] [--json]]

Bundles the functions and the server into <folder> (dist), packs the functions as Netlify does where its bundler is installed, and
prints sizes in bytes. --server leaves out what only Netlify needs.
Exit code 1: a function is larger than it may be, 2: wrong usage.`
/** Address of this deployment alone, where it is one of Netlify's that is not production. */
const { CONTEXT, DEPLOY_PRIME_URL, NETLIFY } = process.env
const previewUrl = CONTEXT && CONTEXT !== 'production' && CONTEXT !== 'dev' ? DEPLOY_PRIME_URL : undefined
const { version } = JSON.parse(await readFile(`${root}package.json`, 'utf8'))
const commit = process.env.COMMIT_REF || (await commitHere())

/** Of this checkout; empty where there is none, as in a container. */
async function commitHere(): Promise<string> {
  const args = ['-C', root, 'rev-parse', '--short=12', 'HEAD']
  return promisify(execFile)('git', args).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  )
}

const REQUIRE_BANNER =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);"

/** What few requests or deployments need is a file of its own, so that a cold start does not read it. */
const APART = [
  'shared/tracing.ts',
  'netlify/metrics.ts',
  'netlify/openapi/description.ts',
  'shared/http/public-address.ts',
  'shared/audit/lost-history.ts',
  'shared/sso/openid-library.ts',
  'shared/sso/saml-library.ts',
  'shared/sign-in/factors/qr-library.ts',
  'shared/sync/supabase-library.ts',
  'shared/people/telephone-library.ts',
  'shared/sign-in/work-library.ts',
]
const nameOf = (file: string) => path.basename(file, '.ts')

/** Leaves a dynamic import of such a file as one of its bundle, at `place` from this one. */
const apart = (place: string): Plugin => ({
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: new RegExp(`/(${APART.map(nameOf).join('|')})\\.ts$`) }, ({ kind, path: file }) =>
      kind === 'dynamic-import' ? { path: `${place}${nameOf(file)}.mjs`, external: true } : undefined,
    ),
})

/** JSON is parsed twice as fast as the literal that esbuild makes of it. */
const parsedJson: Plugin = {
  name: 'parsed-json',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.json$/ }, async ({ path: file }) => {
      const text = JSON.stringify(JSON.parse(await readFile(file, 'utf8')))
      return { contents: `export default JSON.parse(${JSON.stringify(text)})` }
    }),
}

const shared: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  // All that is used of the client is its part for Supabase Auth, which alone is half as large.
  alias: { '@supabase/supabase-js': '@supabase/auth-js' },
  minify: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  legalComments: 'none',
  outExtension: { '.js': '.mjs' },
  banner: { js: REQUIRE_BANNER },
  define: {
    PREVIEW_URL: JSON.stringify(previewUrl ?? ''),
    BUILD_VERSION: JSON.stringify(version),
    BUILD_COMMIT: JSON.stringify(commit),
  },
  logLevel: 'warning',
}

const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10)

type Size = { file: string; bytes: number; gzip?: number; schedule?: string }

async function sizeOf(out: string, file: string): Promise<Size> {
  const code = await readFile(path.join(out, file))
  return { file, bytes: code.length, gzip: gzipSync(code).length }
}

const sizeText = ({ file, bytes, gzip, schedule = '' }: Size) =>
  `${file.padEnd(40)}${kilobytes(bytes)}${gzip === undefined ? `  ${schedule}` : `${kilobytes(gzip)} gzip`}`.trimEnd()

/** Makes the bundles and returns the names of the functions among them. */
async function bundle(out: string, serverOnly: boolean): Promise<string[]> {
  await rm(out, { recursive: true, force: true })
  const names = serverOnly ? [] : (await readdir(`${root}netlify/functions`)).sort()
  if (!serverOnly) {
    await mkdir(path.join(out, 'public'), { recursive: true })
    await writeFile(path.join(out, 'public/robots.txt'), 'User-agent: *\nDisallow: /\n')
    await build({
      ...shared,
      entryPoints: names.map((name) => `netlify/functions/${name}`),
      outdir: path.join(out, 'functions'),
      plugins: [apart('../')],
    })
  }
  await build({
    ...shared,
    entryPoints: ['netlify/server.ts'],
    outfile: path.join(out, 'server.mjs'),
    outExtension: {},
    plugins: [apart('./')],
  })

  await build({
    ...shared,
    entryPoints: {
      ...Object.fromEntries(APART.map((file) => [nameOf(file), file])),
      'verify-request': 'shared/resource-server/verify-request.ts',
      'mcp-guard': 'shared/resource-server/mcp-guard.ts',
    },
    outdir: out,
    plugins: [parsedJson],
  })
  return names
}

/** Puts a folder in the place of another one, which stays whole until then. */
async function replace(target: string, made: string): Promise<void> {
  const before = `${target}.old`
  await rm(before, { recursive: true, force: true })
  await rename(target, before).catch(() => {})
  await rename(made, target)
  await rm(before, { recursive: true, force: true })
}

async function command(args: string[], { out: print, err }: Terminal): Promise<number> {
  const options = { server: { type: 'boolean' }, json: { type: 'boolean' } } as const
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  if (positionals.length > 1) throw new UsageError(`One folder, not ${positionals.join(' ')}`)
  const target = path.resolve(root, positionals[0] ?? 'dist')
  const out = `${target}.new`
  const names = await bundle(out, flags.server === true)
  const functions = names.map((name) => `functions/${name.replace(/\.ts$/, '.mjs')}`)
  const others = ['server', ...APART.map(nameOf), 'verify-request', 'mcp-guard'].map((name) => `${name}.mjs`)
  const sizes = await Promise.all([...functions, ...others].map((file) => sizeOf(out, file)))
  const tooBig = sizes.filter(({ file, bytes }) => functions.includes(file) && bytes > MAX_FUNCTION_BYTES)
  // Netlify packs what it deploys itself.
  const packs = !flags.server && !NETLIFY && tooBig.length === 0
  if (tooBig.length === 0) await replace(target, out)
  if (packs && !hasNetlifyBundler()) err('npm ci --prefix deploy/netlify lets this pack archives as Netlify does.')
  else if (packs) {
    const archives = await packForNetlify(`${target}/functions`, `${target}/netlify`, root)
    const packed = archives.map(({ name, size, schedule }) => ({ file: `netlify/${name}.zip`, bytes: size, schedule }))
    sizes.push(...packed)
    tooBig.push(...packed.filter(({ bytes }) => bytes > MAX_ARCHIVE_BYTES))
  }
  print(flags.json ? JSON.stringify(sizes, null, 2) : sizes.map(sizeText).join('\n'))
  if (tooBig.length > 0) throw new RefusedError(`Larger than they may be: ${tooBig.map(({ file }) => file).join(', ')}`)
  return 0
}

/** Builds what a deployment runs. */
export const buildProgram = program(USAGE, command, { alone: true })

await runAsProgram(import.meta.url, buildProgram)
