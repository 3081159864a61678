import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { createBrowser, formsOf, passSignIn, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let ada: SignedInBrowser
beforeAll(async () => {
  ada = await signIn(gateway)
})

type Login = {
  child: ChildProcess
  /** Waits until what it says matches. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  answer(text: string): void
  ended(): Promise<{ code: number | null; out: string; err: string }>
}

function login(args: string[], env: NodeJS.ProcessEnv = {}): Login {
  const child = spawn(process.execPath, ['scripts/login.mjs', '--issuer', gateway.url, ...args], {
    env: { PATH: process.env.PATH, BROWSER: 'true', ...env },
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
  const { code, out, err } = await ended()
  expect({ code, err }).toEqual({ code: 0, err: expect.anything() })
  expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  expect(decodeJwt(out.trim())).toMatchObject({ email: expect.stringContaining('@example.com') })
  const { body } = await postJson(gateway, '/v1/auth/verify-token', { token: out.trim() })
  expect(body).toMatchObject({ valid: true })
}

describe('node scripts/login.mjs', { timeout: 30_000 }, () => {
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
