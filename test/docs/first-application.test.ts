import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../scripts/clients.ts'
import { freePort, waitForPort } from '../../scripts/lib/ports.ts'
import { call } from '../scripts/terminal.ts'
import { useGateway } from '../support/gateway.ts'
import { signIn } from '../support/sign-in.ts'

const chapter = readFileSync('README.md', 'utf8').split('## A first application')[1] ?? ''
const [, command = ''] = /npm run clients -- (add .+)/.exec(chapter) ?? []
const [, program = ''] = /```js\n([\s\S]+?)```/.exec(chapter) ?? []

const gateway = useGateway()
let app: ChildProcess
const address = { port: 0 }

beforeAll(async () => {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
  const { exitCode, err } = await call(
    clients,
    { ...process.env, DATABASE_MIGRATION_URL: gateway.database.ownerUrl },
    ...words,
  )
  expect([exitCode, err]).toEqual([0, ''])
  address.port = await freePort()
  const env = { PATH: process.env.PATH, ISSUER: gateway.url, APP_PORT: String(address.port) }
  app = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  expect(await waitForPort(address.port, 20_000)).toBe(true)
})
afterAll(async () => {
  app?.kill()
})

test('the application of the README signs a person in', async () => {
  const { browser, email, uai } = await signIn(gateway)
  const begin = await fetch(`http://localhost:${address.port}/`, { redirect: 'manual' })
  const consent = await browser.visit(begin.headers.get('location') ?? '')
  const answer = await browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
  const greeting = await fetch(answer.location ?? '')
  expect(await greeting.text()).toBe(`Hello ${email}, your UAI is ${uai}`)
})
