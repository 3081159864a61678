import { type OAuthClientProvider, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { api } from '../support/api-keys.ts'
import { startDocumentServer } from '../support/document-server.ts'
import { useGateway } from '../support/gateway.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let notes: Awaited<ReturnType<typeof startMcpServer>>
let ada: SignedInBrowser
beforeAll(async () => {
  notes = await startMcpServer(gateway)
  ada = await signIn(gateway)
})
afterAll(() => notes?.stop())

/** An agent's memory: what the SDK asks it to keep, and where it sent its person. */
class Agent implements OAuthClientProvider {
  information?: OAuthClientInformationMixed
  saved?: OAuthTokens
  sentTo?: URL
  private verifier = ''
  readonly redirectUrl = 'http://127.0.0.1:6276/oauth/callback'
  readonly clientMetadata = {
    client_name: 'Helpful agent',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  }
  state = () => 'the state'
  clientInformation = () => this.information
  saveClientInformation(information: OAuthClientInformationMixed) {
    this.information = information
  }
  tokens = () => this.saved
  saveTokens(tokens: OAuthTokens) {
    this.saved = tokens
  }
  redirectToAuthorization(url: URL) {
    this.sentTo = url
  }
  saveCodeVerifier(verifier: string) {
    this.verifier = verifier
  }
  codeVerifier = () => this.verifier
}

function connection(agent: Agent) {
  const transport = new StreamableHTTPClientTransport(new URL(notes.resource), { authProvider: agent as never })
  return { transport, client: new Client({ name: 'agent', version: '1.0.0' }) }
}

const connect = ({ client, transport }: ReturnType<typeof connection>) => client.connect(transport as never)

/** What the person sees and answers where the agent sent them. */
async function answerConsent(agent: Agent): Promise<{ code: string; html: string }> {
  const page = await ada.browser.visit(String(agent.sentTo))
  const answered = await ada.browser.submit(page, { decision: 'allow' }, '/oauth/consent')
  const answer = new URL(answered.location ?? '').searchParams
  expect({ state: answer.get('state'), iss: answer.get('iss') }).toEqual({ state: 'the state', iss: gateway.url })
  return { code: answer.get('code') ?? '', html: page.html }
}

async function connected(agent: Agent) {
  const first = connection(agent)
  await expect(connect(first)).rejects.toThrow(UnauthorizedError)
  const { code, html } = await answerConsent(agent)
  await first.transport.finishAuth(code)
  const second = connection(agent)
  await connect(second)
  return { ...second, html }
}

const said = (result: unknown) =>
  JSON.parse((result as { content: { text: string }[] }).content[0]?.text ?? 'null') as unknown

describe('the MCP SDK client against a server with our guard', () => {
  const agent = new Agent()
  let opened: ReturnType<typeof connection>

  test('registers, authorizes without naming a scope of its own, and calls a tool as the person', async () => {
    const { html, ...rest } = await connected(agent)
    opened = rest
    expect(html).toContain('Helpful agent')
    expect(notes.seen[0]).toEqual({
      status: 401,
      challenge: expect.stringMatching(
        /^Bearer resource_metadata="http:[^"]+\/.well-known\/oauth-protected-resource\/mcp", scope="mcp:connect memories:read"/,
      ),
    })
    expect(agent.information?.client_id).toMatch(/^mcp_/)
    expect(agent.saved).toMatchObject({ token_type: 'Bearer', scope: 'mcp:connect memories:read' })
    expect(decodeJwt(agent.saved?.access_token ?? '')).toMatchObject({ sub: ada.uai, aud: notes.resource })
    expect(said(await opened.client.callTool({ name: 'read_notes' }))).toMatchObject({
      kind: 'person',
      sub: ada.uai,
      client_id: agent.information?.client_id,
    })
  })

  test('refreshes automatically when the token is no longer valid', async () => {
    const { access_token: token = '' } = agent.saved ?? {}
    const client_id = agent.information?.client_id ?? ''
    await fetch(`${gateway.url}/oauth/revoke`, { method: 'POST', body: new URLSearchParams({ token, client_id }) })
    expect(said(await opened.client.callTool({ name: 'read_notes' }))).toMatchObject({ sub: ada.uai })
    expect(agent.saved?.access_token).not.toBe(token)
    expect(decodeJwt(agent.saved?.access_token ?? '')).toMatchObject({ aud: notes.resource })
  })

  test('steps up: refused with every scope, it asks the person for the new one, and then the tool works', async () => {
    // The SDK tries its refresh token first, which can never give more scope, and then returns to the application.
    await expect(opened.client.callTool({ name: 'write_note' })).rejects.toThrow('403')
    agent.saved = { access_token: agent.saved?.access_token ?? '', token_type: 'Bearer' }
    agent.sentTo = undefined
    opened = connection(agent)
    await connect(opened)
    await expect(opened.client.callTool({ name: 'write_note' })).rejects.toThrow(UnauthorizedError)
    expect(notes.seen.at(-1)).toEqual({
      status: 403,
      challenge: expect.stringMatching(
        /^Bearer error="insufficient_scope", scope="mcp:connect memories:read memories:write", resource_metadata="/,
      ),
    })
    const asked = new URL(String(agent.sentTo)).searchParams.get('scope') ?? ''
    expect(asked.split(' ').sort()).toEqual(['mcp:connect', 'memories:read', 'memories:write'])
    const { code, html } = await answerConsent(agent)
    expect(html).toMatch(/already allowed/i)
    await opened.transport.finishAuth(code)
    const again = connection(agent)
    await connect(again)
    expect(said(await again.client.callTool({ name: 'write_note' }))).toContain('memories:write')
    const [consent] = await gateway.sql`
      select scopes from auth_gateway.consents where uai = ${ada.uai} order by granted_at desc limit 1`
    expect(consent?.scopes).toEqual(['mcp:connect', 'memories:read', 'memories:write'])
  })

  test('is known by its metadata document when it has one, and registers nothing', async () => {
    const documents = await startDocumentServer()
    const url = documents.serve('/agent.json', {
      client_name: 'Documented agent',
      redirect_uris: ['http://127.0.0.1:6276/oauth/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
    // The SDK itself asks for an https address; the gateway takes one of this machine outside of production.
    const documented = new Agent()
    documented.information = { client_id: url }
    const { client, html } = await connected(documented)
    expect(html).toContain('Documented agent')
    expect(said(await client.callTool({ name: 'read_notes' }))).toMatchObject({ sub: ada.uai, client_id: url })
    await documents.stop()
  })
})

describe('the guard', () => {
  const call = (headers: Record<string, string>, body: unknown = tool('read_notes')) =>
    fetch(notes.resource, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify(body),
    })
  const tool = (name: string) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })

  test('serves metadata that names the gateway', async () => {
    const url = notes.resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')
    expect(await (await fetch(url)).json()).toEqual({
      resource: notes.resource,
      authorization_servers: [gateway.url],
      scopes_supported: ['mcp:connect', 'memories:read'],
      bearer_methods_supported: ['header'],
      resource_name: 'Notes',
    })
  })

  test('takes an API key in either header, for what its scopes allow, also inside a batch', async () => {
    const cookie = `lanonasis_session=${ada.browser.cookies.get('lanonasis_session')}`
    const body = { name: 'for mcp', scopes: ['mcp:connect', 'memories:read'] }
    const made = await api(gateway, 'POST', '/api/v1/api-keys', { body, headers: { cookie } })
    const { key } = made.body.data
    const presented: Record<string, string>[] = [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }]
    for (const headers of presented) {
      expect((await call(headers)).status).toBe(200)
      for (const message of [tool('write_note'), [tool('read_notes'), tool('write_note')]]) {
        const refused = await call(headers, message)
        expect(refused.status).toBe(403)
        expect(refused.headers.get('www-authenticate')).toContain('scope="mcp:connect memories:read memories:write"')
      }
    }
  })

  test('401 for a token for another resource, junk, and a token in the query', async () => {
    const { access_token } = await getTokens(gateway, ada)
    for (const token of [access_token, 'junk']) {
      const refused = await call({ authorization: `Bearer ${token}` })
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toMatch(
        /^Bearer error="invalid_token", resource_metadata="[^"]+", scope="mcp:connect memories:read"$/,
      )
    }
    const inQuery = await fetch(`${notes.resource}?access_token=${access_token}`, { method: 'POST', body: '{}' })
    expect(inQuery.status).toBe(401)
  })
})
