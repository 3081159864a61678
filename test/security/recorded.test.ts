import { uuidv7 } from 'uuidv7'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadFunctions } from '../../netlify/listen.ts'
import { readRedirects } from '../../netlify/redirects.ts'
import type { Route } from '../../shared/http/route.ts'
import { api } from '../support/api-keys.ts'
import { eventsOf, IP_HEADER, randomIp, useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { type SignedInBrowser, signIn } from '../support/sign-in.ts'

const functions = await loadFunctions(readRedirects('netlify.toml'))
const routes = [...functions.values()].flatMap(({ app }) => app?.routes ?? [])
const nameOf = ({ method, path }: Route) => `${method} ${path}`
const ID = '0198a0f4-8f4c-7000-8000-000000000000'
const pathOf = ({ path }: Route) => path.replace(/:\w+\{([\w]+)\|[^}]*\}/g, '$1').replace(/:\w+(\{[^}]*\})?/g, ID)

const gateway = useGateway({ env: { SYNC_WEBHOOK_SECRET: 'a'.repeat(40) } })
let operator: SignedInBrowser
let ada: SignedInBrowser
const cookieOf = ({ browser }: SignedInBrowser) => ({
  cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}`,
})
beforeAll(async () => {
  operator = await signInOperator(gateway)
  ada = await signIn(gateway)
})

/** Sends a request to a route; its id is that of what is recorded. */
async function send(route: Route, headers: Record<string, string>, body = '{}', query = '') {
  const id = uuidv7()
  const method = route.method === 'ALL' ? 'POST' : route.method
  const response = await fetch(`${gateway.url}${pathOf(route)}${query}`, {
    method,
    headers: { [IP_HEADER]: randomIp(), 'x-request-id': id, 'content-type': 'application/json', ...headers },
    ...(method !== 'GET' && { body }),
    redirect: 'manual',
  })
  await response.arrayBuffer()
  return { id, name: nameOf(route), status: response.status }
}

const requestsOf = async (type: string) => {
  const rows = await gateway.sql`
    select metadata->>'requestId' as id from auth_gateway.event_store where event_type = ${type}`
  return new Set(rows.map(({ id }) => id))
}

describe('what is refused is in the log', () => {
  test('at every route, without a credential, with an invalid one, and in an invalid form', async () => {
    const answers = []
    for (const route of routes) {
      answers.push(await send(route, {}))
      answers.push(await send(route, { authorization: 'Bearer a.b.c' }))
      answers.push(await send(route, { cookie: 'lanonasis_session=none', origin: 'https://evil.example' }))
    }
    const refused = answers.filter(({ status }) => status >= 400 && status < 500 && ![404, 405, 429].includes(status))
    expect(refused.length).toBeGreaterThan(300)
    const recorded = await requestsOf('RequestRefused')
    expect(refused.filter(({ id }) => !recorded.has(id))).toEqual([])
  }, 120_000)
})

describe('what an operator reads is in the log', () => {
  const reads = routes.filter(({ method, spec }) =>
    spec.authority.accepts.some((one) => one.operator && (one.reads || method === 'GET')),
  )

  test('at every route that an operator reads by', async () => {
    expect(reads.length).toBeGreaterThan(15)
    const answers = []
    for (const route of reads) answers.push(await send(route, cookieOf(operator), '{}', '?scope=everything'))
    const recorded = await requestsOf('RecordsRead')
    expect(answers.filter(({ id }) => !recorded.has(id))).toEqual([])
  }, 60_000)

  test('with who, whose, which filter and why; equal reads of a minute are one', async () => {
    const query = `scope=everything&person=${ada.uai}&type=SessionStarted&limit=5&reason=ticket+7`
    const path = `/v1/audit/events?${query}`
    const before = (await eventsOf(gateway, 'record_read')).length
    for (const more of ['', '', '&cursor=1'])
      expect((await api(gateway, 'GET', `${path}${more}`, { headers: cookieOf(operator) })).status).toBe(200)
    const [event, ...others] = (await eventsOf(gateway, 'record_read')).slice(before)
    expect(others).toEqual([])
    expect(event).toMatchObject({
      event_type: 'RecordsRead',
      data: { method: 'GET', route: '/v1/audit/events', target: ada.uai },
      metadata: { actorType: 'operator', actor: operator.uai },
    })
    const listed = await api(gateway, 'GET', `/v1/audit/events?scope=everything&stream=${event?.stream_id}`, {
      headers: cookieOf(operator),
    })
    expect(listed.body.events[0]).toMatchObject({
      subject: ada.uai,
      personal: { filter: `scope=everything&person=${ada.uai}&type=SessionStarted`, reason: 'ticket 7' },
    })
  })

  test('a search of the console, with what was searched for, sealed', async () => {
    const before = (await eventsOf(gateway, 'record_read')).length
    const page = await operator.browser.visit('/admin/people')
    await operator.browser.submit(page, { find: ada.email }, '/admin/people')
    const events = (await eventsOf(gateway, 'record_read')).slice(before)
    expect(events.map(({ data }) => [data.method, data.route])).toEqual([
      ['GET', '/admin/people'],
      ['POST', '/admin/people'],
      ['GET', '/admin/people/:id'],
    ])
    expect(events.map(({ data }) => data.target)).toEqual([undefined, undefined, ada.uai])
    expect(JSON.stringify(events)).not.toContain(ada.email)
    expect(Object.keys(events[1]?.data.sealed as object)).toEqual(['filter'])
  })
})
