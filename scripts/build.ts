import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { hasNetlifyBundler, packForNetlify } from './lib/netlify-bundle.ts'

const MAX_FUNCTION_BYTES = 320 * 1024
/** An archive holds Netlify's own entry as well, some 350 KB. */
const MAX_ARCHIVE_BYTES = 900 * 1024
const root = fileURLToPath(new URL('..', import.meta.url))
// `--server` leaves out what only Netlify needs; a folder may be named instead of `dist`.
const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { server: { type: 'boolean' } } })
const out = path.resolve(root, positionals[0] ?? 'dist')
/** Address of this deployment alone, where it is one of Netlify's that is not production. */
const { CONTEXT, DEPLOY_PRIME_URL, NETLIFY } = process.env
const previewUrl = CONTEXT && CONTEXT !== 'production' && CONTEXT !== 'dev' ? DEPLOY_PRIME_URL : undefined
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
  'shared/identity/qr-library.ts',
  'shared/identity/supabase-library.ts',
  'shared/identity/telephone-library.ts',
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
  define: { PREVIEW_URL: JSON.stringify(previewUrl ?? '') },
  logLevel: 'warning',
}

const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10)

async function measure(file: string): Promise<number> {
  const code = await readFile(path.join(out, file))
  console.log(`${file.padEnd(40)}${kilobytes(code.length)}${kilobytes(gzipSync(code).length)} gzip`)
  return code.length
}

await rm(out, { recursive: true, force: true })
const names = flags.server ? [] : (await readdir(`${root}netlify/functions`)).sort()
if (!flags.server) {
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

const tooBig: string[] = []
for (const name of names) {
  const file = `functions/${name.replace(/\.ts$/, '.mjs')}`
  if ((await measure(file)) > MAX_FUNCTION_BYTES) tooBig.push(file)
}
for (const file of ['server', ...APART.map(nameOf), 'verify-request', 'mcp-guard']) await measure(`${file}.mjs`)
// Netlify packs what it deploys itself.
if (!flags.server && !NETLIFY) {
  if (!hasNetlifyBundler()) console.log('npm ci --prefix deploy/netlify lets this pack archives as Netlify does.')
  else
    for (const { name, size, schedule = '' } of await packForNetlify(`${out}/functions`, `${out}/netlify`, root)) {
      console.log(`${`netlify/${name}.zip`.padEnd(40)}${kilobytes(size)}  ${schedule}`.trimEnd())
      if (size > MAX_ARCHIVE_BYTES) tooBig.push(`netlify/${name}.zip`)
    }
}
if (tooBig.length > 0) {
  console.error(`Larger than they may be: ${tooBig.join(', ')}`)
  process.exit(1)
}
