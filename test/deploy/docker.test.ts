import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { DCLinter } from 'dclint'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts'
import { buildStages, filesOf, linkProductionPackages, type Stage } from '../support/docker-build.ts'

const run = promisify(execFile)
const read = (file: string) => readFileSync(file, 'utf8')
const DOCKERFILES = ['Dockerfile', 'deploy/docker/pgbouncer.Dockerfile']

describe('the files', () => {
  test.each(DOCKERFILES)('%s has no error, pins its base image, and does not run as root', (file) => {
    const text = read(file)
    expect(validate(text)).toEqual([])
    for (const [, image = ''] of text.matchAll(/^FROM (\S+)/gm))
      expect(image).toMatch(/^(tools|node:[\d.]+-bookworm-slim|debian:bookworm-slim)$/)
    expect(text.match(/^USER .*$/gm)?.at(-1)).toMatch(/^USER (node|postgres)$/)
    expect(text).toMatch(/^HEALTHCHECK /m)
    expect(text).not.toMatch(/^ADD |SECRET|PASSWORD|TOKEN/m)
  })

  test('compose.yaml is what the Compose specification allows', () => {
    const off = ['services-alphabetical-order', 'service-keys-order', 'require-quotes-in-ports']
    const rules = Object.fromEntries(off.map((rule) => [rule, 0 as const]))
    const results = new DCLinter({ rules, quiet: false, debug: false, exclude: [] }).lintFiles(['compose.yaml'], false)
    expect(results.flatMap(({ messages }) => messages)).toEqual([])
  })
})

describe('the stages, built in a clean folder', () => {
  let folder: string
  let database: TestDatabase
  let stages: Map<string, Stage>
  let server: ChildProcess | undefined
  const stage = (name: string) => stages.get(name) as Stage

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-docker-'))
    database = await createEmptyDatabase()
    stages = await buildStages({
      dockerfile: read('Dockerfile'),
      ignoreFile: read('.dockerignore'),
      context: process.cwd(),
      folder,
      // `npm ci` takes a minute and half a gigabyte; DOCKER_NPM_CI=1 runs it.
      async instead(command, workdir) {
        if (!command.startsWith('npm ci --omit=dev ') || process.env.DOCKER_NPM_CI) return false
        await linkProductionPackages(process.cwd(), workdir)
        return true
      },
    })
  }, 300_000)
  afterAll(async () => {
    server?.kill('SIGKILL')
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  test('the last one holds the server alone', async () => {
    const names = await filesOf(stage('gateway'))
    expect(names).toEqual(expect.arrayContaining(['/app/dist/server.mjs', '/app/netlify.toml']))
    expect(names.filter((name) => !/^\/app\/(netlify\.toml|dist\/[\w-]+\.mjs)$/.test(name))).toEqual([])
    expect((await filesOf(stage('tools'))).filter((file) => /\.env|\/(test|dist|\.dev|\.git)\//.test(file))).toEqual([])
  })

  test('tools migrate the database, and the gateway serves it, reports healthy, and stops on a signal', async () => {
    const database_ = { DATABASE_MIGRATION_URL: database.ownerUrl, DATABASE_URL: database.appUrl }
    const start = (one: Stage, env: Record<string, string>) => ({
      cwd: path.join(one.root, one.workdir),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...one.env, ...env },
    })
    const [npm = '', ...rest] = stage('tools').command
    expect((await run(npm, rest, start(stage('tools'), database_))).stdout).toMatch(/\d+ migrations applied/)

    const PORT = String(await freePort())
    const options = start(stage('gateway'), {
      HOST: '127.0.0.1',
      PORT,
      DATABASE_URL: database.appUrl,
      AUTH_BASE_URL: 'https://auth.example.test',
      AUTH_MASTER_SECRET: Buffer.alloc(32, 7).toString('base64'),
      OTP_WEBHOOK_SECRET: `v1,whsec_${Buffer.alloc(24, 7).toString('base64')}`,
      SUPABASE_FUNCTIONS_URL: 'https://functions.example.test',
    })
    const [node = '', ...args] = stage('gateway').command
    server = spawn(node, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
    await once(server.stdout as NodeJS.ReadableStream, 'data')
    const [probe = '', ...script] = stage('gateway').healthcheck
    await run(probe, script, options)
    expect((await fetch(`http://127.0.0.1:${PORT}/.well-known/openid-configuration`)).status).toBe(200)
    server.kill('SIGTERM')
    expect(await once(server, 'close')).toEqual([0, null])
    await expect(run(probe, script, options)).rejects.toMatchObject({ code: 1 })
  }, 60_000)
})
