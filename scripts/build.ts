import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { hasNetlifyBundler, packForNetlify } from './lib/netlify-bundle.ts'
import { program, RefusedError, type Terminal, UsageError } from './lib/terminal.ts'

const MAX_FUNCTION_BYTES = 368 * 1024
/**
 * An archive also holds Netlify's own entry point, some 350 KB, the client of a key management service, which only a root there loads, and
 * the texts of four languages, of which a page loads one.
 */
const MAX_ARCHIVE_BYTES = 992 * 1024
const root = fileURLToPath(new URL('..', import.meta.url))

const USAGE = `npm run build [-- [--server] [<folder>] [--json]]

Bundles the functions and the server into <folder> (dist), packs the functions as Netlify does if its bundler is installed, and
prints sizes in bytes. --server skips what only Netlify needs.
Exit code 1: a function exceeds its size limit, 2: wrong usage.`
/** Address of this deployment, if it is a preview on Netlify. */
const { CONTEXT, DEPLOY_PRIME_URL, NETLIFY } = process.env
const previewUrl = CONTEXT && CONTEXT !== 'production' && CONTEXT !== 'dev' ? DEPLOY_PRIME_URL : undefined
const { version } = JSON.parse(await readFile(`${root}package.json`, 'utf8'))
const commit = process.env.COMMIT_REF || (await commitHere())

/** The commit of this checkout; empty outside of one, as in a container. */
async function commitHere(): Promise<string> {
  const args = ['-C', root, 'rev-parse', '--short=12', 'HEAD']
  return promisify(execFile)('git', args).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  )
}

const REQUIRE_BANNER =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);"

/** Modules that few requests or deployments need get a bundle of their own, so that a cold start does not read them. */
const LAZY_MODULES = [
  'shared/tracing.ts',
  'netlify/metrics.ts',
  'netlify/openapi/description.ts',
  'shared/http/public-address.ts',
  'shared/tokens/kms.ts',
  'shared/http/user-agent-library.ts',
  'shared/audit/lost-history.ts',
  'shared/sso/openid-library.ts',
  'shared/sso/saml-library.ts',
  'shared/sync/supabase-library.ts',
  'shared/people/telephone-library.ts',
  'shared/sign-in/work-library.ts',
  'shared/sign-in/passkey/passkey-library.ts',
  ...['de', 'fr', 'es', 'pt'].map((language) => `netlify/pages/texts/texts-${language}.ts`),
]
const nameOf = (file: string) => path.basename(file, '.ts')

/** Turns a dynamic import of such a module into one of its bundle, which is in `folder` relative to this one. */
const lazyModules = (folder: string): Plugin => ({
  name: 'lazy-modules',
  setup: ({ onResolve }) =>
    onResolve({ filter: new RegExp(`/(${LAZY_MODULES.map(nameOf).join('|')})\\.ts$`) }, ({ kind, path: file }) =>
      kind === 'dynamic-import' ? { path: `${folder}${nameOf(file)}.mjs`, external: true } : undefined,
    ),
})

/** Embeds JSON as text: parsing it is twice as fast as the literal that esbuild generates. */
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
  // Only the Supabase Auth part of the client is used, which is half as large.
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

async function bundle(out: string, serverOnly: boolean): Promise<void> {
  await rm(out, { recursive: true, force: true })
  if (!serverOnly) {
    await mkdir(path.join(out, 'public'), { recursive: true })
    await writeFile(path.join(out, 'public/robots.txt'), 'User-agent: *\nDisallow: /\n')
    await build({
      ...shared,
      entryPoints: (await readdir(`${root}netlify/functions`)).map((name) => `netlify/functions/${name}`),
      outdir: path.join(out, 'functions'),
      plugins: [lazyModules('../')],
    })
  }
  await build({
    ...shared,
    entryPoints: ['netlify/server.ts'],
    outfile: path.join(out, 'server.mjs'),
    outExtension: {},
    plugins: [lazyModules('./')],
  })

  await build({
    ...shared,
    entryPoints: Object.fromEntries(LAZY_MODULES.map((file) => [nameOf(file), file])),
    outdir: out,
    plugins: [parsedJson],
  })
}

/** Replaces a folder by another one, which is complete by then. */
async function replaceFolder(target: string, made: string): Promise<void> {
  const before = `${target}.old`
  await rm(before, { recursive: true, force: true })
  await rename(target, before).catch(() => {})
  await rename(made, target)
  await rm(before, { recursive: true, force: true })
}

async function command(args: string[], { out: print, err }: Terminal): Promise<number> {
  const options = { server: { type: 'boolean' }, json: { type: 'boolean' } } as const
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  if (positionals.length > 1) throw new UsageError(`Name one folder, not ${positionals.join(' ')}`)
  const target = path.resolve(root, positionals[0] ?? 'dist')
  const out = `${target}.new`
  await bundle(out, flags.server === true)
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('.mjs')).sort()
  const sizes = await Promise.all(files.map((file) => sizeOf(out, file)))
  const isFunction = ({ file }: Size) => path.dirname(file) === 'functions'
  const tooBig = sizes.filter((size) => isFunction(size) && size.bytes > MAX_FUNCTION_BYTES)
  // On Netlify, the build system packs the functions.
  const packs = !flags.server && !NETLIFY && tooBig.length === 0
  if (tooBig.length === 0) await replaceFolder(target, out)
  if (packs && !hasNetlifyBundler()) err('To pack archives as Netlify does, run npm ci --prefix deploy/netlify')
  else if (packs) {
    const archives = await packForNetlify(`${target}/functions`, `${target}/netlify`, root)
    const packed = archives.map(({ name, size, schedule }) => ({ file: `netlify/${name}.zip`, bytes: size, schedule }))
    sizes.push(...packed)
    tooBig.push(...packed.filter(({ bytes }) => bytes > MAX_ARCHIVE_BYTES))
  }
  print(flags.json ? JSON.stringify(sizes, null, 2) : sizes.map(sizeText).join('\n'))
  if (tooBig.length > 0) throw new RefusedError(`Over the size limit: ${tooBig.map(({ file }) => file).join(', ')}`)
  return 0
}

/** Builds the bundles that a deployment runs. */
export const buildProgram = await program(import.meta.url, USAGE, command, { alone: true })
