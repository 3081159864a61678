import { execFile } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { createVerifier } from '@lanonasis/auth-server'
import * as forExpress from '@lanonasis/auth-server/express'
import * as forFastify from '@lanonasis/auth-server/fastify'
import * as forHono from '@lanonasis/auth-server/hono'
import * as forNext from '@lanonasis/auth-server/next'
import * as forNode from '@lanonasis/auth-server/node'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { denoBinary } from '../../scripts/lib/platform-binary.ts'
import { type DirectSignIn, directSignIn } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { installPacked } from '../support/packed.ts'
import { post } from '../support/sign-in.ts'

const run = promisify(execFile)
const API = 'https://api.lanonasis.com'
const gateway = useGateway()
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const verify: ReturnType<typeof createVerifier> = (request, needs) =>
  createVerifier({ issuer: gateway.url, audience: API })(request, needs)
const scope = 'memories:read'

/** Each adapter as a listener that answers with the caller's `sub`. */
const adapters: Record<string, (needs: { scope: string }) => Promise<RequestListener>> = {
  async hono(needs) {
    const app = new Hono<{ Variables: { caller: Awaited<ReturnType<typeof verify>> } }>()
    app.use('/notes', forHono.protect(verify, needs)).get((c) => c.text(c.get('caller').sub))
    return getRequestListener(app.fetch)
  },
  async express(needs) {
    const name: string = 'express'
    const { default: express } = await import(name)
    const app = express()
    const answer = (request: object, response: { end(text: string): void }) =>
      response.end(forExpress.callerOf(request).sub)
    app.get('/notes', forExpress.protect(verify, needs), answer)
    return app
  },
  async fastify(needs) {
    return async (raw, response) => {
      const reply = {
        code: (status: number) => {
          response.statusCode = status
          return reply
        },
        headers: (headers: Record<string, string>) => {
          response.setHeaders(new Map(Object.entries(headers)))
          return reply
        },
        send: (body: unknown) => response.end(JSON.stringify(body)),
      }
      const request = { raw }
      const sent = await forFastify.protect(verify, needs)(request, reply)
      if (sent === undefined) response.end(forFastify.callerOf(request).sub)
    }
  },
  next: async (needs) =>
    getRequestListener((request) => forNext.protect(verify, needs, (_, { sub }) => new Response(sub))(request, {})),
  node: async (needs) => forNode.protect(verify, needs, (_, response, { sub }) => response.end(sub)),
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`
}

test.each(Object.keys(adapters))(
  '%s: 200 with the caller, 401 without a token, 403 without the scope',
  async (name) => {
    const listener = adapters[name]
    if (!listener) throw new Error('no adapter')
    const [url, narrow] = [
      await listen(await listener({ scope })),
      await listen(await listener({ scope: 'admin:read' })),
    ]
    const headers = { authorization: `Bearer ${ada.token}` }
    const fine = await fetch(url, { headers })
    expect([fine.status, await fine.text()]).toEqual([200, ada.uai])
    const none = await fetch(url)
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Bearer')])
    const refused = await fetch(narrow, { headers })
    expect([refused.status, await refused.json()]).toEqual([
      403,
      expect.objectContaining({ error: 'insufficient_scope' }),
    ])
  },
)

test('callerOf throws for a request that nothing protected', () => {
  expect(() => forExpress.callerOf({})).toThrow('This route is not protected')
})

const CONSUMER = `
import { createVerifier, RequestRefused } from '@lanonasis/auth-server'
import { createMcpGuard } from '@lanonasis/auth-server/mcp'
import { protect } from '@lanonasis/auth-server/next'
import '@lanonasis/auth-server/hono'
import '@lanonasis/auth-server/express'
import '@lanonasis/auth-server/fastify'
import '@lanonasis/auth-server/node'
const [issuer = '', audience = '', ...tokens] = process.argv.slice(2)
const requestOf = (token: string) => new Request(audience, { headers: { authorization: 'Bearer ' + token } })
const results: unknown[] = []
for (const mode of ['online', 'offline'] as const) {
  const verify = createVerifier({ issuer, audience, mode })
  for (const token of tokens)
    results.push(await verify(requestOf(token), { scope: 'memories:read' }).then(
      ({ sub }) => sub, (error: unknown) => error instanceof RequestRefused ? error.status : String(error)))
}
const handler = protect(createVerifier({ issuer, audience }), {}, (_, { sub }) => new Response(sub))
results.push((await handler(requestOf(''), {})).status)
results.push(createMcpGuard({ issuer, resource: audience + '/mcp', scope: 'mcp:connect' }).metadataPath)
console.log(JSON.stringify(results))
`

describe('the packed package, installed alone', () => {
  let folder: string
  beforeAll(async () => {
    folder = await installPacked('auth-server', ['jose'])
    writeFileSync(path.join(folder, 'consumer.ts'), CONSUMER)
  })
  afterAll(() => folder && rmSync(folder, { recursive: true }))

  test('holds what it needs and nothing of the gateway', async () => {
    const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: folder })
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => path.relative(folder, line))
        .sort(),
    ).toEqual(['', 'node_modules/@lanonasis/auth-server', 'node_modules/jose'])
    const main = readFileSync(path.join(folder, 'node_modules/@lanonasis/auth-server/dist/verify-request.js'), 'utf8')
    expect(main).not.toContain('../..')
  })

  test('has types that a strict program compiles with', async () => {
    symlinkSync(path.resolve('node_modules/@types'), path.join(folder, 'node_modules/@types'))
    symlinkSync(path.resolve('node_modules/undici-types'), path.join(folder, 'node_modules/undici-types'))
    const options = { strict: true, noEmit: true, module: 'NodeNext', target: 'ES2024', types: ['node'] }
    const settings = { compilerOptions: { ...options, lib: ['ES2024', 'DOM', 'DOM.Iterable'] }, files: ['consumer.ts'] }
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const compiled = await run('tsc', ['-p', folder]).catch((error: { stdout: string }) => error)
    expect(compiled.stdout).toBe('')
  })

  test('decides alike on Node and Deno; online, a revoked token is refused by the next request', async () => {
    const revoked = await directSignIn(gateway)
    await post(gateway, '/oauth/revoke', { token: revoked.token, client_id: 'lanonasis-cli' })
    const args = ['consumer.ts', gateway.url, API, ada.token, revoked.token, 'no.token.here']
    const permissions = ['--allow-net=127.0.0.1', '--allow-env', '--allow-read=.']
    const [onNode, onDeno] = await Promise.all([
      run(process.execPath, ['--experimental-strip-types', '--no-warnings', ...args], { cwd: folder }),
      run(denoBinary(), ['run', '--quiet', '--node-modules-dir=manual', '--no-check', ...permissions, ...args], {
        cwd: folder,
      }),
    ])
    const expected = [ada.uai, 401, 401, ada.uai, revoked.uai, 401, 400, '/.well-known/oauth-protected-resource/mcp']
    expect(JSON.parse(onNode.stdout)).toEqual(expected)
    expect(JSON.parse(onDeno.stdout)).toEqual(expected)
  })
})
