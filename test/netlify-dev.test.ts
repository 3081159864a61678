import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../scripts/lib/ports.ts'
import { type RunningProcess, startProcess } from '../scripts/lib/process.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'

const cli = process.env.NETLIFY_CLI ?? ''
const reason = cli ? '' : ' (skipped: NETLIFY_CLI does not name the bin/run.js of an installed netlify-cli)'
/** Reading all functions takes it half a minute; these answer below. */
const FUNCTIONS = ['discovery', 'health', 'not-found', 'oauth-introspect', 'oauth-token', 'web']
/** It starts in seconds; on a busy machine in a minute. */
const START_MS = 240_000

describe.skipIf(!cli)(`the functions under netlify dev${reason}`, () => {
  let folder: string
  let database: TestDatabase
  let running: RunningProcess
  let url: string

  beforeAll(async () => {
    database = await createTestDatabase()
    folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-netlify-dev-'))
    await promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/build.ts', path.join(folder, 'dist')], {
      env: { PATH: process.env.PATH, NETLIFY: 'true' },
    })
    await copyFile('netlify.toml', path.join(folder, 'netlify.toml'))
    const functions = path.join(folder, 'dist', 'functions')
    const unused = (await readdir(functions)).filter((name) => !FUNCTIONS.includes(path.basename(name, '.mjs')))
    await Promise.all(unused.map((name) => rm(path.join(functions, name))))
    const port = await freePort()
    url = `http://localhost:${port}`
    running = await startNetlifyDev(folder, port, {
      PATH: process.env.PATH,
      HOME: folder,
      CI: 'true',
      AUTH_BASE_URL: url,
      DATABASE_URL: database.appUrl,
    })
  }, START_MS + 60_000)

  afterAll(async () => {
    await running?.stop()
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  test('200 for health and discovery, with the issuer from the environment', async () => {
    expect((await fetch(`${url}/api/v1/health`)).status).toBe(200)
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const response = await fetch(`${url}/.well-known/${name}`)
      expect([response.status, await response.json()]).toMatchObject([200, { issuer: url }])
    }
  }, 120_000)

  test.each(['/oauth/introspect', '/api/v1/oauth/introspect'])('200 from the database: %s', async (path) => {
    const response = await fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams({ token: 'unknown' }) })
    expect([response.status, await response.json()]).toEqual([200, { active: false }])
  })

  test('400 in the OAuth dialect for JSON that is broken, with our headers', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/oauth/token`, { method: 'POST', headers, body: '{"grant_type":' })
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_request' }])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('200 for the sign-in page', async () => {
    const response = await fetch(`${url}/web/login`)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('<form')
  })

  test('404 in JSON for an unknown path, and no source file is served', async () => {
    for (const path of ['/nowhere', '/netlify.toml', '/netlify/server.ts', '/package.json']) {
      const response = await fetch(`${url}${path}`)
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'ROUTE_NOT_FOUND' }])
    }
  })
})

/** @throws Error with its output when it is not ready in time */
async function startNetlifyDev(folder: string, port: number, env: NodeJS.ProcessEnv): Promise<RunningProcess> {
  const lines: string[] = []
  const { promise: ready, resolve } = Promise.withResolvers<boolean>()
  const running = startProcess({
    command: process.execPath,
    args: [
      ...['--import', pathToFileURL(path.resolve('test/support/loopback-only.mjs')).href],
      ...[cli, 'dev', '--offline', '--internal-disable-edge-functions'],
      ...['--no-open', '--skip-gitignore', '--port', `${port}`],
    ],
    env,
    cwd: folder,
    output: (line) => {
      lines.push(line)
      if (line.includes('Local dev server ready')) resolve(true)
    },
  })
  const late = setTimeout(resolve, START_MS, false)
  running.exited.then(() => resolve(false))
  const isReady = await ready
  clearTimeout(late)
  if (isReady) return running
  await running.stop()
  throw new Error(`netlify dev did not start:\n${lines.join('\n')}`)
}
