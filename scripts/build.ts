import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { hasNetlifyBundler, packForNetlify } from './lib/netlify-bundle.ts'

const MAX_FUNCTION_BYTES = 320 * 1024
/** Those that speak to Supabase Auth carry its client, the reference the whole description, and SAML an XML signature library. */
const MAX_OF: [names: RegExp, bytes: number][] = [
  [/password|token-exchange|cli|openapi/, 480 * 1024],
  [/saml/, 1024 * 1024],
]
/** An archive holds Netlify's own entry as well, some 350 KB. */
const MAX_ARCHIVE_BYTES = 900 * 1024
const root = fileURLToPath(new URL('..', import.meta.url))
const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { server: { type: 'boolean' } } })
const out = path.resolve(root, positionals[0] ?? 'dist')
/** Address of this deployment alone, where it is one of Netlify's that is not production. */
const { CONTEXT, DEPLOY_PRIME_URL, NETLIFY } = process.env
const previewUrl = CONTEXT && CONTEXT !== 'production' && CONTEXT !== 'dev' ? DEPLOY_PRIME_URL : undefined
const REQUIRE_BANNER =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);"

/** What few deployments load at all is a file of its own, at `path` from the bundle. */
const apart = (path: string): Plugin => ({
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(tracing|metrics)\.ts$/ }, ({ kind, path: file }) =>
      kind === 'dynamic-import'
        ? { path: file.replace(/^.*\/(\w+)\.ts$/, `${path}$1.mjs`), external: true }
        : undefined,
    ),
})

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
await mkdir(path.join(out, 'public'), { recursive: true })
await writeFile(path.join(out, 'public/robots.txt'), 'User-agent: *\nDisallow: /\n')

const names = (await readdir(`${root}netlify/functions`)).sort()
await build({
  ...shared,
  entryPoints: names.map((name) => `netlify/functions/${name}`),
  outdir: path.join(out, 'functions'),
  plugins: [apart('../')],
})
await build({
  ...shared,
  entryPoints: ['netlify/server.ts'],
  outfile: path.join(out, 'server.mjs'),
  outExtension: {},
  plugins: [apart('./')],
})

await build({
  ...shared,
  entryPoints: [
    'netlify/metrics.ts',
    'shared/tracing.ts',
    'shared/resource-server/verify-request.ts',
    'shared/resource-server/mcp-guard.ts',
  ],
  entryNames: '[name]',
  outdir: out,
})

const tooBig: string[] = []
for (const name of names) {
  const file = `functions/${name.replace(/\.ts$/, '.mjs')}`
  const most = MAX_OF.find(([names]) => names.test(name))?.[1] ?? MAX_FUNCTION_BYTES
  if ((await measure(file)) > most) tooBig.push(file)
}
for (const file of ['server', 'metrics', 'tracing', 'verify-request', 'mcp-guard']) await measure(`${file}.mjs`)
// Netlify packs what it deploys itself, and a server needs no archives.
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
