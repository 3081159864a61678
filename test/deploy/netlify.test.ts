import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasNetlifyBundler, packForNetlify } from '../../scripts/lib/netlify-bundle.ts'

const run = promisify(execFile)
const PREVIEW = 'https://deploy-preview-7--auth.netlify.app'
let folder: string
let printed: string
const at = (...names: string[]) => path.join(folder, ...names)

/** What Netlify runs for a deploy preview. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-netlify-'))
  const env = { PATH: process.env.PATH, NETLIFY: 'true', CONTEXT: 'deploy-preview', DEPLOY_PRIME_URL: PREVIEW }
  printed = (await run(process.execPath, ['--import', 'tsx', 'scripts/build.ts', folder], { env })).stdout
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('every function is built, and its size printed', async () => {
  const sources = (await readdir('netlify/functions')).map((name) => path.basename(name, '.ts'))
  expect((await readdir(at('functions'))).map((name) => path.basename(name, '.mjs'))).toEqual(sources)
  for (const name of sources) expect(printed).toMatch(new RegExp(`functions/${name}\\.mjs +[\\d.]+ KB`))
})

test('every function opens the gateway by itself, but the two that need no database', async () => {
  const names = await readdir(at('functions'))
  const texts = await Promise.all(names.map((name) => readFile(at('functions', name), 'utf8')))
  const without = names.filter((_, index) => !texts[index]?.includes('application_name:"auth-gateway"'))
  expect(without).toEqual(['not-found.mjs', 'openapi.mjs'])
})

test('what is loaded later exports what its source does', async () => {
  const sources = [
    'shared/tracing.ts',
    'shared/audit/lost-history.ts',
    'netlify/metrics.ts',
    'netlify/openapi/description.ts',
    'shared/http/public-address.ts',
    'shared/people/telephone-library.ts',
    'shared/sign-in/work-library.ts',
    'shared/sync/supabase-library.ts',
    'shared/sso/openid-library.ts',
    'shared/sso/saml-library.ts',
  ]
  for (const source of sources) {
    const built = await import(pathToFileURL(at(`${path.basename(source, '.ts')}.mjs`)).href)
    expect(Object.keys(built).sort()).toEqual(Object.keys(await import(path.resolve(source))).sort())
  }
})

test('netlify.toml deploys what the build makes, and no source file', async () => {
  const { build, functions } = parse(await readFile('netlify.toml', 'utf8')) as Record<string, Record<string, string>>
  expect([build?.command, build?.publish, functions?.directory]).toEqual([
    'npm run build',
    'dist/public',
    'dist/functions',
  ])
  expect(await readdir(at('public'))).toEqual(['robots.txt'])
})

test.skipIf(!hasNetlifyBundler())(
  "Netlify's bundler (deploy/netlify) finds the schedule in what was built, and takes along what is loaded later",
  async () => {
    await mkdir(at('some'))
    for (const name of ['health.mjs', 'maintenance.mjs']) await copyFile(at('functions', name), at('some', name))
    const packed = await packForNetlify(at('some'), at('zip'), folder)
    expect(packed.map(({ name, schedule }) => [name, schedule])).toEqual([
      ['health', undefined],
      ['maintenance', '@hourly'],
    ])
    const taken = packed[0]?.inputs.map((file) => path.basename(file)).sort()
    expect(taken).toEqual(['health.mjs', 'kms.mjs', 'lost-history.mjs', 'tracing.mjs', 'user-agent-library.mjs'])
    // Some 145 KB of it are the client of a key management service, which only a root there loads.
    for (const { size } of packed) expect(size).toBeLessThan(720 * 1024)
  },
  60_000,
)

test('200 from a built function of a preview, which names its own address as the issuer', async () => {
  const script = `
    const { default: discovery } = await import(${JSON.stringify(pathToFileURL(at('functions', 'discovery.mjs')).href)})
    const response = await discovery(new Request('http://x/.well-known/openid-configuration'), { ip: '', waitUntil() {} })
    console.error(JSON.stringify([response.status, await response.json()]))`
  const env = {
    AWS_LAMBDA_FUNCTION_NAME: 'discovery',
    AUTH_BASE_URL: 'https://auth.example.com',
    DATABASE_URL: 'postgres://app@127.0.0.1:9/gateway',
    AUTH_MASTER_SECRET: Buffer.alloc(32, 7).toString('base64'),
    OTP_WEBHOOK_SECRET: `v1,whsec_${Buffer.alloc(24, 7).toString('base64')}`,
    SUPABASE_FUNCTIONS_URL: 'https://ref.supabase.co/functions/v1',
  }
  const { stderr } = await run(process.execPath, ['--input-type=module', '-e', script], { env })
  const [status, metadata] = JSON.parse(stderr)
  expect([status, metadata.issuer]).toEqual([200, PREVIEW])
})
