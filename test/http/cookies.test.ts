import { beforeAll, describe, expect, test, vi } from 'vitest'
import { openToAll } from '../../shared/http/route.ts'
import { OWN_SECRETS } from '../support/secrets.ts'

const user = { id: 'u1', email: 'ada@example.com', role: 'user', name: 'Ada; "Ł"' }

beforeAll(() => {
  process.env.DATABASE_URL = 'postgres://app@localhost/gateway'
  process.env.LOG_LEVEL = 'silent'
})

async function cookiesUnder(env: Record<string, string>): Promise<{ set: string[]; cleared: string[] }> {
  vi.resetModules()
  for (const [name, value] of Object.entries({ AUTH_BASE_URL: '', COOKIE_DOMAIN: '', NODE_ENV: 'test', ...env })) {
    vi.stubEnv(name, value)
  }
  const { createApp } = await import('../../shared/http/app.ts')
  const { setSessionCookies, clearSessionCookies } = await import('../../shared/http/cookies.ts')
  const app = createApp('api')
  app.route('GET', '/set', { authority: openToAll })((c) => {
    setSessionCookies(c.var.call, { handle: 'opaque', user, maxAge: 3600 })
    return c.json({})
  })
  app.route('GET', '/clear', { authority: openToAll })((c) => {
    clearSessionCookies(c.var.call)
    return c.json({})
  })
  const of = async (path: string) => (await app.request(path)).headers.getSetCookie()
  return { set: await of('/set'), cleared: await of('/clear') }
}

const LIVE = { ...OWN_SECRETS, AUTH_BASE_URL: 'https://auth.lanonasis.com', COOKIE_DOMAIN: '.lanonasis.com' }

describe('the session cookies', () => {
  test('are host-only and not Secure on a local machine', async () => {
    const { set } = await cookiesUnder({})
    expect(set[0]).toBe('lanonasis_session=opaque; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax')
    expect(set[1]).toMatch(/^lanonasis_user=[^;]+; Max-Age=3600; Path=\/; SameSite=Lax$/)
  })

  test('are Secure and shared across the configured domain behind https', async () => {
    const { set } = await cookiesUnder(LIVE)
    expect(set[0]).toBe(
      'lanonasis_session=opaque; Max-Age=3600; Domain=.lanonasis.com; Path=/; HttpOnly; Secure; SameSite=Lax',
    )
    expect(set[1]).toContain('; Domain=.lanonasis.com; Path=/; Secure; SameSite=Lax')
  })

  test('contain who is signed in, as URL-encoded JSON', async () => {
    const { set } = await cookiesUnder({})
    const value = /^lanonasis_user=([^;]+)/.exec(set[1] ?? '')?.[1] ?? ''
    expect(JSON.parse(decodeURIComponent(value))).toEqual(user)
  })

  test('are cleared for the host and for the domain', async () => {
    const { cleared } = await cookiesUnder(LIVE)
    expect(cleared).toHaveLength(4)
    for (const name of ['lanonasis_session', 'lanonasis_user']) {
      const own = cleared.filter((cookie) => cookie.startsWith(`${name}=; Max-Age=0;`))
      expect(own.map((cookie) => cookie.includes('Domain=.lanonasis.com'))).toEqual([false, true])
    }
  })
})

test('cookies are read URL-decoded', async () => {
  const { createApp } = await import('../../shared/http/app.ts')
  const app = createApp('api')
  app.route('GET', '/', { authority: openToAll })((c) => c.json(c.var.call.request.cookies))
  const response = await app.request('/', { headers: { cookie: 'a=x%20y; b=; d=%E0%A4%A' } })
  expect(await response.json()).toEqual({ a: 'x y', b: '', d: '%E0%A4%A' })
})
