import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { loadFunctions } from '../../netlify/listen.ts'
import { buildDocument, pathOf, printDocument } from '../../netlify/openapi/document.ts'
import { readRedirects } from '../../netlify/redirects.ts'
import { useGateway } from '../support/gateway.ts'

const redirects = readRedirects('netlify.toml')
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const functions = await loadFunctions(redirects)
const routes = [...functions.values()].flatMap(({ app }) => app?.routes ?? [])
const document = buildDocument(version, routes)
const described = Object.entries(document.paths).flatMap(([path, item]) =>
  '$ref' in item ? [] : Object.keys(item).map((method) => `${method} ${path}`),
)

const gateway = useGateway()

test('every route of every function is described', () => {
  const served = routes.filter(({ method }) => method !== 'ALL')
  const named = served.map(({ method, path }) => `${method.toLowerCase()} ${pathOf(path)}`)
  expect(described.toSorted()).toEqual([...new Set(named)].toSorted())
})

test('every redirect leads to a path of the document', () => {
  const known = Object.keys(document.paths).map((path) => path.replace(/\{\w+\}/g, 'x'))
  const lost = redirects.filter(({ from, functionName }) => {
    const base = from.replace(/\/\*$/, '')
    return functionName !== 'not-found' && !known.some((path) => path === base || path.startsWith(`${base}/`))
  })
  expect(lost).toEqual([])
})

test('the file that is served is up to date: npm run openapi', () => {
  expect(readFileSync('netlify/openapi/openapi.json', 'utf8') === printDocument(document)).toBe(true)
})

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  expect(errors ?? []).toEqual([])
  expect(valid).toBe(true)
})

test('every schema in the document is a JSON Schema (draft 2020-12)', () => {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  const schemas = { ...document.components.schemas }
  const collect = (at: unknown, where: string) => {
    if (typeof at !== 'object' || at === null) return
    for (const [name, value] of Object.entries(at)) {
      if (name === 'schema') schemas[where] = value
      else collect(value, `${where}/${name}`)
    }
  }
  collect([document.paths, document.components], '')
  const wrong = Object.entries(schemas).filter(([, schema]) => !ajv.validateSchema(schema as object))
  expect([Object.keys(schemas).length > 100, wrong.map(([where]) => where)]).toEqual([true, []])
})

test('every link leads somewhere: references, mirrors, and those of the page', async () => {
  const links = [...printDocument(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer = '']) => pointer)
  const dangling = links.filter((pointer) => {
    const names = decodeURIComponent(pointer).slice(1).split('/')
    const read = (at: unknown, name: string) =>
      (at as Record<string, unknown> | undefined)?.[name.replaceAll('~1', '/').replaceAll('~0', '~')]
    return names.reduce<unknown>(read, document) === undefined
  })
  expect([links.length > 100, dangling]).toEqual([true, []])
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item as object))
  const mirrors = operations.flatMap((one: { 'x-mirrors'?: string[] }) => one['x-mirrors'] ?? [])
  expect([mirrors.length > 50, mirrors.filter((path) => !(path in document.paths))]).toEqual([true, []])
  const page = await (await fetch(`${gateway.url}/reference`)).text()
  const hrefs = [...new Set([...page.matchAll(/ href="([^"]+)"/g)].map(([, href = '']) => href))]
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  const lost = await Promise.all(
    hrefs.map(async (href) => {
      if (href.startsWith('#')) return ids.has(href.slice(1)) ? [] : [href]
      const { status } = await fetch(new URL(href, `${gateway.url}/reference`), { redirect: 'manual' })
      return status < 400 ? [] : [`${href} ${status}`]
    }),
  )
  expect(lost.flat()).toEqual([])
})

test('operation ids are unique', () => {
  const ids = [...printDocument(document).matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id)
  expect(ids.length).toBeGreaterThan(100)
  expect(new Set(ids).size).toBe(ids.length)
})

test('200 without a credential, with the issuer as its server, and a page of it', async () => {
  const response = await fetch(`${gateway.url}/openapi.json`, { headers: { origin: 'https://anyone.example' } })
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(await response.json()).toMatchObject({ openapi: '3.1.1', servers: [{ url: gateway.url }] })
  const page = await (await fetch(`${gateway.url}/reference`)).text()
  expect(page.match(/<details/g)?.length).toBe(described.length)
})

test('security names the scopes of each route, and no operation states credentials that its authority states', () => {
  const twice = routes.filter(
    ({ spec: { operation, authority } }) =>
      operation?.by && authority.accepts.some(({ callers }) => callers.length > 0),
  )
  expect(twice.map(({ method, path }) => `${method} ${path}`)).toEqual([])
  expect(document.paths['/v1/auth/api-keys']).toMatchObject({
    get: {
      security: [{ session: [] }, { token: [] }, { token: ['api-keys:read'] }, { apiKey: ['api-keys:read'] }],
      'x-authority': [{ door: 'everyday', audience: 'account' }],
    },
  })
})

test('a response that the document does not describe is reported by the request that got it', async () => {
  const { described: compared, undescribed } = await import('../support/described.ts')
  const handle = compared(async () => Response.json({ status: 'ok', service: 'auth-gateway', timestamp: 1 }))
  const response = await handle(new Request('http://gateway.test/health'), {} as never)
  const sentence = 'GET /health answered 200, which openapi.json does not describe: /timestamp must be string'
  expect([response.status, await response.text()]).toEqual([500, sentence])
  expect(undescribed.splice(0)).toEqual([sentence])
})

test('the device authorization endpoint is called by clients', () => {
  expect(document.paths['/oauth/device']).toMatchObject({ post: { 'x-authority': [{ door: 'client' }] } })
})
