import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { IDENTITY_HEADERS, RESOLVED_HEADERS } from '../../shared/access/uai-headers.ts'

const read = (path: string) => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8')
const sorted = (names: readonly string[]) => [...names].sort()

/** The headers that nginx passes on, with what it sets them to. */
const settings = (text: string) =>
  [...text.matchAll(/^\s*proxy_set_header (X-[\w-]+)\s+(\S+);$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )

describe('no proxy passes on what a caller says in the name of the gateway', () => {
  test('nginx before an API sets every header that it trusts to what the gateway returned, or to nothing', () => {
    const template = read('nginx/api-host.conf.template')
    const set = settings(template)
    expect(sorted(set.map(([name]) => name))).toEqual(sorted(IDENTITY_HEADERS))
    for (const [name, value] of set) {
      const returned = (RESOLVED_HEADERS as readonly string[]).includes(name)
      const source = new RegExp(`auth_request_set \\${value}\\s+\\$upstream_http_(\\w+);`).exec(template)?.[1]
      expect([name, returned ? source : value]).toEqual([
        name,
        returned ? name.toLowerCase().replaceAll('-', '_') : '""',
      ])
    }
  })

  test('nginx before a service that finds out itself clears all but what a signature covers', () => {
    const set = settings(read('nginx/identity-headers.conf'))
    expect(sorted(set.map(([name]) => name))).toEqual(
      sorted(IDENTITY_HEADERS.filter((name) => name !== 'X-Project-Scope')),
    )
    expect(new Set(set.map(([, value]) => value))).toEqual(new Set(['""']))
    expect(read('nginx/mtls-service.conf.template')).toMatch(/^ +include .*\/identity-headers\.conf;$/m)
  })

  test('the edge function of a Netlify site drops all of them, and nothing else', async () => {
    const { default: drop } = await import(new URL('../../deploy/netlify/identity-headers.mjs', import.meta.url).href)
    const forged = Object.fromEntries(IDENTITY_HEADERS.map((name) => [name, 'forged']))
    const request = new Request('https://api.lanonasis.com/memories', {
      headers: { ...forged, authorization: 'Bearer x' },
    })
    const passed: Request = drop(request, { next: (next: Request) => next })
    expect([...passed.headers.keys()]).toEqual(['authorization'])
  })
})
