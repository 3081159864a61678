import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../scripts/lib/ports.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'

const LOCAL_CLI = 'node_modules/netlify-cli/bin/run.js'
const cli = process.env.NETLIFY_CLI ?? (existsSync(LOCAL_CLI) ? LOCAL_CLI : undefined)
const reason = cli ? '' : ' (skipped: netlify-cli is not installed; set NETLIFY_CLI to its bin/run.js)'

describe.skipIf(!cli)(`the functions under netlify dev${reason}`, () => {
  let database: TestDatabase
  let child: ChildProcess
  let url: string
  let output = ''

  beforeAll(async () => {
    database = await createTestDatabase()
    execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], {
      env: { ...process.env, NETLIFY: 'true' },
    })
    const port = await freePort()
    url = `http://localhost:${port}`
    const flags = [
      '--offline',
      '--internal-disable-edge-functions',
      '--no-open',
      '--skip-gitignore',
      '--port',
      `${port}`,
    ]
    child = spawn(process.execPath, [cli ?? '', 'dev', ...flags], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        AUTH_BASE_URL: url,
        DATABASE_URL: database.appUrl,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk
      })
    }
    const deadline = Date.now() + 60_000
    while (!output.includes('Local dev server ready')) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`netlify dev did not start:\n${output}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }, 90_000)

  afterAll(async () => {
    if (child?.pid && child.exitCode === null) {
      process.kill(-child.pid, 'SIGTERM')
      await once(child, 'exit')
    }
    await database?.drop()
  }, 20_000)

  test('200 for health and discovery, with the issuer from the environment', async () => {
    expect((await fetch(`${url}/api/v1/health`)).status).toBe(200)
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const response = await fetch(`${url}/.well-known/${name}`)
      expect([response.status, await response.json()]).toMatchObject([200, { issuer: url }])
    }
  }, 60_000)

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
