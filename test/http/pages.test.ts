import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fill, scopeSentence } from '../../netlify/pages/copy.ts'
import { contentSecurityPolicy, renderPage } from '../../netlify/pages/render.ts'
import { displayName, formActionSources, safeHref } from '../../netlify/pages/safe.ts'
import { SignedOutPage } from '../../netlify/pages/sign-out.tsx'
import { en } from '../../netlify/pages/texts/texts-en.ts'

describe('renderPage', () => {
  it('200 with headers against caching, framing and scripts (OAuth 2.1 7.11, RFC 9700 4.2.4)', async () => {
    const response = renderPage(SignedOutPage({}))
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'no-store',
      'content-security-policy': contentSecurityPolicy(),
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(await response.text()).toMatch(/^<!doctype html><html lang="en"><head><meta charset="utf-8"\/?>/i)
  })

  it('403 and two cookies when asked, without letting headers weaken the policy', () => {
    const headers: [string, string][] = [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-Frame-Options', 'ALLOWALL'],
    ]
    const response = renderPage(SignedOutPage({}), { status: 403, headers })
    expect(response.status).toBe(403)
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(response.headers.get('x-frame-options')).toBe('DENY')
  })

  it('the policy allows exactly the style that the page carries, and nothing else to load or frame', async () => {
    const style = (await renderPage(SignedOutPage({})).text()).match(/<style>(.*?)<\/style>/s)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(contentSecurityPolicy({ formAction: ['https://claude.ai/mcp/callback'] })).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src 'self' data:; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'`,
    )
  })
})

describe('formActionSources', () => {
  it.each([
    ['https://claude.ai/mcp/callback', ['https:']],
    ['http://127.0.0.1:8888/callback', ['http://127.0.0.1:8888', 'https:']],
    ['http://localhost:3000', ['http://localhost:3000', 'https:']],
    ['http://[::1]:8888/callback', ['http:', 'https:']],
    ['vscode://lanonasis.mcp-client/callback', ['vscode:']],
    ['com.example.app:/callback', ['com.example.app:']],
    ['vscode:', ['vscode:']],
    ['javascript:alert(1)', []],
    ['javascript:', []],
    ["https://x.example; script-src 'unsafe-inline'", []],
    ['', []],
  ])('%s -> %j', (uri, sources) => {
    expect(formActionSources(uri)).toEqual(sources)
  })
})

describe('safeHref', () => {
  it.each(['https://claude.ai/', 'http://localhost:3000/x', '/web/login?return_to=%2F', '/', '?page=2', '#top'])(
    'keeps %s',
    (href) => {
      expect(safeHref(href)).toBe(href)
    },
  )

  it.each([
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'vscode://x/y',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'evil.example',
    '',
    undefined,
  ])('drops %j', (href) => {
    expect(safeHref(href)).toBeUndefined()
  })

  it('keeps private-use schemes only where an application may be opened, and never one that runs code', () => {
    expect(safeHref('claude-desktop://signed-out', 'app')).toBe('claude-desktop://signed-out')
    expect(safeHref('javascript:alert(1)', 'app')).toBeUndefined()
    expect(safeHref('blob:https://x/1', 'app')).toBeUndefined()
  })
})

describe('displayName', () => {
  it.each([
    ['Claude', 'Claude'],
    ['  two\n\tlines ', 'two lines'],
    ['Lan\u202eOnasis\u200b\u0000', 'Lan Onasis'],
    ['می\u200cخواهم', 'می\u200cخواهم'],
    ['\u3164\u200d\u2066 ', 'nameless'],
    ['👩‍💻'.repeat(3), '👩‍💻👩‍💻👩‍💻'],
    ['x'.repeat(60), 'x'.repeat(60)],
    ['x'.repeat(61), `${'x'.repeat(59)}…`],
  ])('%j -> %j', (name, shown) => {
    expect(displayName(name, 'nameless')).toBe(shown)
  })
})

describe('scopeSentence', () => {
  it.each([
    ['memories:read', 'See your memories', false],
    ['memory:write', 'Add and change your memories', false],
    ['memories:delete', 'Delete your memories for good', true],
    ['memories:personal:*', 'See, add, change and delete your memories (personal)', true],
    ['memories:team:read', 'See your memories (team)', false],
    ['secrets:team:read', 'See your stored secrets (team)', true],
    ['api_keys:manage', 'Create, change and revoke your API keys', true],
    ['openid', 'Know who you are on LanOnasis', false],
    ['legacy:full_access', 'Do everything your account can do', true],
    ['constructor', 'Use the permission “constructor”', true],
    ['acme:teleport', 'Use the permission “acme:teleport”', true],
  ])('%s -> %s', (scope, sentence, sensitive) => {
    expect(scopeSentence(scope)).toEqual({ sentence, sensitive })
  })

  it('knows every scope of the catalogue and of the seeded clients', () => {
    const scopes =
      'memories:read memories:write memories:delete memories:* secrets:read secrets:write secrets:* mcp:read mcp:write mcp:connect mcp:full mcp:tools mcp:resources mcp:prompts mcp:* profile:read profile:write profile:* projects:read projects:write projects:* analytics:read analytics:* ai:chat ai:* media:tts media:stt media:transcribe media:* content:tags content:summary content:embedding content:* api:access admin:* legacy:full_access * read write offline_access profile email openid admin api-keys:read api-keys:write maple:read maple:write api_keys:manage memory:read memory:write'
    const unknown = scopes.split(' ').filter((scope) => scopeSentence(scope).sentence.startsWith('Use the permission'))
    expect(unknown).toEqual([])
  })
})

it('fill never expands a place that came from a part', () => {
  expect(fill('{a} and {b}', { a: '{b}', b: 'x' }).join('')).toBe('{b} and x')
})

it('every sentence is filled: no place of the copy is left without a name', () => {
  const sentences = JSON.stringify(en).match(/\{[^"{}]*\}/g) ?? []
  expect(sentences.filter((place) => !/^\{[a-z]+\}$/.test(place))).toEqual([])
})
