import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import { createServer, type RunningServer, type ServerOptions } from '../netlify/listen.ts'
import { createApp } from '../shared/http/app.ts'
import { readBody } from '../shared/http/body.ts'
import { openToAll } from '../shared/http/route.ts'
import { type FunctionHandler, serve } from '../shared/http/serve.ts'

beforeAll(() => {
  process.env.DATABASE_URL = 'postgres://app@localhost/gateway'
  process.env.LOG_LEVEL = 'silent'
})

const running: RunningServer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

const redirects = [
  { from: '/v1/auth/echo', functionName: 'echo' },
  { from: '/broken', functionName: 'broken' },
  { from: '/raw/*', functionName: 'raw' },
]

function echo(): FunctionHandler {
  const app = createApp('api')
  app.route('POST', '/v1/auth/echo', { authority: openToAll })(async (c) =>
    c.json({ body: await readBody(c, z.looseObject({})), ip: c.var.call.request.clientIp }),
  )
  return serve(app)
}

async function start(functions: Record<string, FunctionHandler> = {}, options: Partial<ServerOptions> = {}) {
  const all = new Map(
    Object.entries({
      echo: echo(),
      broken: async () => {
        throw new Error('hunter2')
      },
      ...functions,
    }),
  )
  const server = await createServer({ port: 0, redirects, functions: all, ...options })
  running.push(server)
  return server
}

function post(url: string, headers: Record<string, string>, write: (end: (text: string) => void) => void) {
  return new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode, text })
    })
    request.on('error', reject)
    write((text) => request.end(text))
  })
}

async function rawly(server: RunningServer, text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  socket.end(text)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

describe('a request', () => {
  test('200 reaches its function with body and caller address', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/v1/auth/echo`, { method: 'POST', body: new URLSearchParams('a=1') })
    expect(await response.json()).toEqual({ body: { a: '1' }, ip: '127.0.0.1' })
  })

  test('200 with a chunked body', async () => {
    const { url } = await start()
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    const answer = await post(`${url}/v1/auth/echo`, headers, (end) => end('{"a":1}'))
    expect(JSON.parse(answer.text)).toMatchObject({ body: { a: 1 } })
  })

  test('200 without a body', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/v1/auth/echo`, { method: 'POST' })
    expect(await response.json()).toMatchObject({ body: {} })
  })

  test('413 for a body past the limit', async () => {
    const { url } = await start()
    const headers = { 'content-type': 'application/json' }
    const answer = await post(`${url}/v1/auth/echo`, headers, (end) => end(`{"a":"${'x'.repeat(200_000)}"}`))
    expect(answer.status).toBe(413)
  })

  test('404 in JSON when no rule matches', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/nowhere`)
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'ROUTE_NOT_FOUND' }])
  })

  test('500 in JSON when a function throws, without the reason', async () => {
    const { url } = await start()
    const text = await (await fetch(`${url}/broken`)).text()
    expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL_ERROR' })
    expect(text).not.toContain('hunter2')
  })

  test('400 for an invalid host or path', async () => {
    const server = await start()
    for (const text of ['GET /raw/a HTTP/1.1\r\nHost: a b\r\n', 'GET /raw\\a HTTP/1.1\r\nHost: localhost\r\n']) {
      expect(await rawly(server, `${text}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /)
    }
  })

  test('431 for headers past 16 KB', async () => {
    const server = await start()
    const hosts = 'GET /raw/a HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n'
    expect(await rawly(server, `${hosts}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    const answer = await rawly(server, `GET /raw/a HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 431 /)
  })

  test('several Set-Cookie headers survive', async () => {
    const headers = new Headers([
      ['set-cookie', 'a=1; Path=/'],
      ['set-cookie', 'b=2; Path=/'],
    ])
    const { url } = await start({ raw: async () => new Response(null, { headers }) })
    expect((await fetch(`${url}/raw/x`)).headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Path=/'])
  })

  test('the server listens on loopback by default', async () => {
    expect((await start()).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })
})

describe('closing', () => {
  const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

  test('lets running requests and the work after them finish', async () => {
    const done: string[] = []
    const raw: FunctionHandler = async (_, context) => {
      await later(150)
      context.waitUntil(later(150).then(() => done.push('work')))
      done.push('answer')
      return new Response('finished')
    }
    const server = await start({ raw })
    const answer = fetch(`${server.url}/raw/x`).then((response) => response.text())
    await later(50)
    await server.close()
    expect(done).toEqual(['answer', 'work'])
    expect(await answer).toBe('finished')
  })

  test('refuses new connections', async () => {
    const server = await start()
    await server.close()
    await expect(fetch(`${server.url}/raw/x`)).rejects.toThrow('fetch failed')
  })

  test('does not wait for idle keep-alive connections', async () => {
    const server = await start({ raw: async () => new Response('x') })
    await (await fetch(`${server.url}/raw/x`)).text()
    const startedAt = Date.now()
    await server.close()
    expect(Date.now() - startedAt).toBeLessThan(1000)
  })
})

describe('the process', () => {
  const run = (env: Record<string, string>, more: string[] = []) =>
    spawn(process.execPath, ['--import', 'tsx', ...more, 'netlify/server.ts'], {
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  test('names every configuration error and exits with 1', async () => {
    const child = run({ NODE_ENV: 'production', DATABASE_URL: 'postgres://app:hunter2@localhost/gateway' })
    let text = ''
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(1)
    for (const name of ['AUTH_BASE_URL', 'AUTH_MASTER_SECRET', 'OTP_WEBHOOK_SECRET', 'SUPABASE_FUNCTIONS_URL']) {
      expect(text).toContain(`- ${name}: `)
    }
    expect(text).not.toContain('hunter2')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('serves every function, then stops on %s', async (signal) => {
    const child = run({ DATABASE_URL: 'postgres://app@127.0.0.1:9/gateway' })
    onTestFinished(() => void child.kill('SIGKILL'))
    let trouble = ''
    child.stderr.on('data', (chunk) => {
      trouble += chunk
    })
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    expect(JSON.parse(trouble).message).toBe('the database does not answer yet')
    const { message, url, mode, because } = JSON.parse(String(line))
    expect({ message, mode, because }).toEqual({
      message: 'listening',
      mode: 'development',
      because: 'NODE_ENV is unset, AUTH_BASE_URL and HOST are on loopback',
    })
    const response = await fetch(`${url}/no-such-path`)
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'ROUTE_NOT_FOUND' }])
    child.kill(signal)
    expect(await once(child, 'close')).toEqual([0, null])
  })

  test('makes JSON lines of what packages and Node print', async () => {
    const prints = `process.on('SIGUSR2', () => {
      console.warn('%s printed', 'a package')
      console.error(new Error('a stack'))
      process.emitWarning('careful')
    })`
    const env = { DATABASE_URL: 'postgres://app@127.0.0.1:9/gateway' }
    const child = run(env, ['--import', `data:text/javascript,${encodeURIComponent(prints)}`])
    onTestFinished(() => void child.kill('SIGKILL'))
    let text = ''
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    await once(child.stdout, 'data')
    child.kill('SIGUSR2')
    await expect.poll(() => text.split('\n').length).toBe(5)
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ level, message, error }) => [level, message, error?.message])).toEqual([
      ['warn', 'the database does not answer yet', expect.any(String)],
      ['warn', 'a package printed', undefined],
      ['error', 'printed by a package', 'a stack'],
      ['warn', 'Node warning', 'careful'],
    ])
  })
})
