import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { denoBinary } from '../../scripts/lib/platform-binary.ts'
import { addClient, newEmail, useGateway } from '../support/gateway.ts'
import { installPacked } from '../support/packed.ts'
import { createBrowser, formsOf, passSignIn, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
const CLI = path.resolve('packages/auth-cli/src/main.mjs')
let ada: SignedInBrowser
/** The home of a user without any sign-in. */
let home: string
beforeAll(async () => {
  ada = await signIn(gateway)
  home = mkdtempSync(path.join(tmpdir(), 'auth-cli-'))
})
afterAll(() => home && rmSync(home, { recursive: true }))

/** Runs a command to its end in that home. */
async function cli(args: string[], env: NodeJS.ProcessEnv = {}, cwd = home) {
  const options = { env: { PATH: process.env.PATH, HOME: home, LANONASIS_ISSUER: gateway.url, ...env }, cwd }
  return promisify(execFile)(process.execPath, [CLI, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error) => ({ code: error.code as number, out: error.stdout as string, err: error.stderr as string }),
  )
}

type Login = {
  child: ChildProcess
  /** Waits until what it says matches. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  answer(text: string): void
  ended(): Promise<{ code: number | null; out: string; err: string }>
}

function login(args: string[], env: NodeJS.ProcessEnv = {}): Login {
  const child = spawn(process.execPath, [CLI, 'login', '--issuer', gateway.url, ...args], {
    env: { PATH: process.env.PATH, BROWSER: 'true', HOME: home, ...env },
    stdio: 'pipe',
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const exited = once(child, 'exit')
  return {
    child,
    async said(pattern) {
      for (;;) {
        const found = pattern.exec(err)
        if (found) return found
        if (child.exitCode !== null) throw new Error(`it ended: ${err}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    answer: (text) => child.stdin.write(`${text}\n`),
    async ended() {
      await exited
      return { code: child.exitCode, out, err }
    },
  }
}

async function allow(url: string, person = ada): Promise<string> {
  const page = await person.browser.visit(url)
  const answered = page.location ? page : await person.browser.submit(page, { decision: 'allow' }, '/oauth/consent')
  return answered.location ?? answered.html
}

const AUTHORIZE = /(http\S+\/oauth\/authorize\?\S+)/

async function expectSignedIn({ ended }: Login): Promise<void> {
  const { code, out: printed, err } = await ended()
  expect({ code, printed, err }).toEqual({ code: 0, printed: '', err: expect.stringContaining('You are signed in') })
  const { out } = await cli(['token'])
  expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  expect(decodeJwt(out.trim())).toMatchObject({ email: expect.stringContaining('@example.com') })
  const { body } = await postJson(gateway, '/v1/auth/verify-token', { token: out.trim() })
  expect(body).toMatchObject({ valid: true })
}

describe('login', { timeout: 30_000 }, () => {
  test('signs in with a browser on this computer, and refuses other requests at its port', async () => {
    const run = login(['--method', 'browser', '--port', '0'])
    const [, url = ''] = await run.said(AUTHORIZE)
    const redirect = new URL(url).searchParams.get('redirect_uri') ?? ''
    expect((await fetch(`${redirect}?code=stolen&state=wrong`)).status).toBe(404)
    const callback = await fetch(await allow(url))
    expect(await callback.text()).toContain('You are signed in')
    await expectSignedIn(run)
  })

  test('uses another port when the requested one is taken', async () => {
    const first = login(['--method', 'browser', '--port', '0'])
    const [, url = ''] = await first.said(AUTHORIZE)
    const { port } = new URL(new URL(url).searchParams.get('redirect_uri') ?? '')
    const second = login(['--method', 'browser', '--port', port])
    const [, other = ''] = await second.said(AUTHORIZE)
    expect(new URL(new URL(other).searchParams.get('redirect_uri') ?? '').port).not.toBe(port)
    await fetch(await allow(other))
    await expectSignedIn(second)
    first.child.kill()
  })

  test('reports to the terminal that the person denied', async () => {
    const run = login(['--method', 'browser', '--port', '0'])
    const [, url = ''] = await run.said(AUTHORIZE)
    const page = await ada.browser.visit(url)
    const { location = '' } = await ada.browser.submit(page, { decision: 'deny' }, '/oauth/consent')
    expect((await fetch(location)).status).toBe(400)
    expect(await run.ended()).toMatchObject({ code: 1, out: '', err: expect.stringContaining('Access was denied') })
  })

  test('signs in with a device code automatically where there is no display', async () => {
    const run = login([], { DISPLAY: '' })
    const [, code = ''] = await run.said(/([BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4})/)
    const page = await ada.browser.visit(`/oauth/device?code=${code}`)
    await ada.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
    await expectSignedIn(run)
  })

  test('chooses the browser automatically where there is a display, and not over ssh', async () => {
    const here = login(['--port', '0'], { DISPLAY: ':0' })
    await here.said(AUTHORIZE)
    here.child.kill()
    const away = login(['--port', '0'], { DISPLAY: ':0', SSH_CONNECTION: '10.0.0.1 22' })
    await away.said(/enter the code/)
    away.child.kill()
  })

  test('signs in with a code by e-mail', async () => {
    const email = newEmail()
    const run = login(['--method', 'email'])
    await run.said(/E-mail address:/)
    run.answer(email)
    await run.said(/Code: /)
    run.answer(gateway.inbox.codeFor(email))
    await expectSignedIn(run)
  })

  test('signs in with a code that is pasted from a browser elsewhere, also after a sign-in there', async () => {
    const run = login(['--method', 'paste'])
    const [, url = ''] = await run.said(AUTHORIZE)
    const browser = createBrowser(gateway)
    const consent = await passSignIn(gateway, browser, await browser.visit(url), newEmail())
    expect(consent.html).toContain('anyone who has it can sign in as you')
    const page = await browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
    const [, code = ''] = /value="([BCDFGHJKLMNPQRSTVWXZ]{5}-[BCDFGHJKLMNPQRSTVWXZ]{5})"/.exec(page.html) ?? []
    await run.said(/Code: /)
    run.answer(code.toLowerCase().replace('-', ' '))
    await expectSignedIn(run)
    expect(formsOf(page)).toEqual([])
  })

  test('refuses a made-up code, and wrong usage with exit code 2', async () => {
    const run = login(['--method', 'paste'])
    await run.said(/Code: /)
    run.answer('BCDFG-HJKLM')
    expect(await run.ended()).toMatchObject({ code: 1, out: '' })
    expect(await login(['--method', 'telepathy']).ended()).toMatchObject({ code: 2, out: '' })
    expect(await login(['--colour']).ended()).toMatchObject({ code: 2, out: '' })
    const silent = login(['--method', 'paste'])
    await silent.said(/Code: /)
    silent.child.stdin?.end()
    expect(await silent.ended()).toMatchObject({ code: 1, err: expect.stringContaining('no answer was given') })
  })
})

describe('a stored sign-in', { timeout: 30_000 }, () => {
  const stored = () => path.join(home, '.config/lanonasis/sign-ins.json')

  test('is for its user alone; token renews it once, whoami names the person, logout revokes it', async () => {
    const email = newEmail()
    const run = login(['--method', 'email', '--email', email])
    await run.said(/Code: /)
    run.answer(gateway.inbox.codeFor(email))
    await expectSignedIn(run)
    expect([statSync(stored()).mode & 0o777, statSync(path.dirname(stored())).mode & 0o777]).toEqual([0o600, 0o700])
    const before = (await cli(['token'])).out
    const all = JSON.parse(readFileSync(stored(), 'utf8'))
    for (const one of Object.values(all) as { expires_at: number }[]) one.expires_at = 0
    writeFileSync(stored(), JSON.stringify(all))
    const after = (await cli(['token'])).out
    expect(after).not.toBe(before)
    expect((await cli(['token'])).out).toBe(after)
    const { sub } = decodeJwt(after)
    expect((await cli(['whoami'])).out).toBe(`${email} ${sub}\n`)
    expect(await cli(['logout'])).toEqual({ code: 0, out: '', err: 'You are signed out.\n' })
    expect((await postJson(gateway, '/v1/auth/verify-token', { token: after.trim() })).body).toMatchObject({
      valid: false,
    })
    for (const command of ['token', 'whoami', 'logout'])
      expect(await cli([command])).toEqual({ code: 1, out: '', err: 'Failed: you are not signed in\n' })
  })

  test('is not needed in CI, where the client has a secret', async () => {
    const grants = {
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      scope: 'memories:read',
    }
    const { client_id, client_secret } = await addClient(gateway, 'a-job', {
      ...grants,
      default_scope: 'memories:read',
    })
    const env = { LANONASIS_CLIENT_ID: client_id, LANONASIS_CLIENT_SECRET: client_secret }
    const { out } = await cli(['token'], env)
    expect(decodeJwt(out.trim())).toMatchObject({ sub: client_id, scope: 'memories:read', sub_type: 'client' })
  })
})

test('the packed package, installed alone, runs on Node and Deno', async () => {
  const folder = await installPacked('auth-cli', ['openid-client', 'oauth4webapi', 'jose'])
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const file = 'node_modules/@lanonasis/auth-cli/src/main.mjs'
  const permissions = ['--allow-env', '--allow-read']
  const runs = [
    promisify(execFile)('npm', ['exec', '--offline', '--no', 'auth-cli', '--', '--version'], { cwd: folder }),
    promisify(execFile)(
      denoBinary(),
      ['run', '--quiet', '--node-modules-dir=manual', ...permissions, file, '--version'],
      {
        cwd: folder,
      },
    ),
  ]
  expect((await Promise.all(runs)).map(({ stdout }) => stdout)).toEqual([`${version}\n`, `${version}\n`])
})

describe('init', () => {
  test('registers a client that can sign people in, and adds its settings to the file of the framework', async () => {
    const folder = mkdtempSync(path.join(home, 'app-'))
    writeFileSync(path.join(folder, '.env.local'), 'OTHER=1')
    expect(await cli(['init', 'next', '--name', 'Notes'], {}, folder)).toMatchObject({ code: 0, out: '' })
    const text = readFileSync(path.join(folder, '.env.local'), 'utf8')
    const settings = Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s, 2)),
    )
    expect(settings).toEqual({
      OTHER: '1',
      AUTH_ISSUER: gateway.url,
      AUTH_CLIENT_ID: expect.stringMatching(/./),
      AUTH_CLIENT_SECRET: expect.stringMatching(/./),
      AUTH_REDIRECT_URI: 'http://localhost:3000/api/auth/callback',
    })
    const request = new URLSearchParams({
      client_id: settings.AUTH_CLIENT_ID,
      redirect_uri: settings.AUTH_REDIRECT_URI,
      response_type: 'code',
      scope: 'openid email',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    })
    expect(await allow(`/oauth/authorize?${request}`)).toMatch(/^http:\/\/localhost:3000\/api\/auth\/callback\?code=/)
    expect((await cli(['init', 'next'], {}, folder)).err).toBe('Failed: .env.local names a client already\n')
    expect(await cli(['init', 'cobol'], {}, folder)).toMatchObject({ code: 2 })
  })

  test('gives React a public client, without a secret', async () => {
    const folder = mkdtempSync(path.join(home, 'app-'))
    expect(await cli(['init', 'react'], {}, folder)).toMatchObject({ code: 0 })
    const names = readFileSync(path.join(folder, '.env.local'), 'utf8').match(/^\w+(?==)/gm)
    expect(names).toEqual(['VITE_AUTH_ISSUER', 'VITE_AUTH_CLIENT_ID', 'VITE_AUTH_REDIRECT_URI'])
  })
})
