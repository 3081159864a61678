import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpGuard, RequestRefused } from '@lanonasis/auth-server/mcp'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { uuidv7 } from 'uuidv7'
import { createCall } from '../../shared/call.ts'
import { protectedResource, registerResource } from '../../shared/domain/protected-resource.ts'
import { commit } from '../../shared/events/commit.ts'
import type { TestGateway } from './gateway.ts'

async function bodyOf(request: IncomingMessage): Promise<{ parsed?: unknown; bytes?: Buffer }> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return bytes.length > 0 ? { parsed: JSON.parse(bytes.toString()), bytes } : {}
}

function tools(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] })
  server.registerTool('read_notes', { description: 'Reads' }, ({ authInfo }) => text(authInfo?.extra?.caller))
  server.registerTool('write_note', { description: 'Writes' }, ({ authInfo }) => text(authInfo?.scopes))
  return server
}

/** Registers a resource server at the gateway. */
export async function addResource({ gateway }: TestGateway, identifier: string, scopes: string[]): Promise<void> {
  await commit(createCall(gateway), async (work) => {
    work
      .start(protectedResource, uuidv7(), {})
      .decide(() => registerResource({ identifier, name: 'Notes', scopes, isDefault: false }))
  })
}

/** An MCP server as its SDK makes it, behind our guard, at a resource that the gateway knows. */
export async function startMcpServer(gateway: TestGateway) {
  const seen: { status: number; challenge?: string }[] = []
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', resource)
    if (pathname === guard.metadataPath) return response.end(JSON.stringify(guard.metadata))
    if (pathname !== '/mcp') return response.writeHead(404).end()
    const { parsed, bytes } = await bodyOf(request)
    try {
      const auth = await guard(request, parsed, bytes)
      const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
      // The SDK's own types disagree under exactOptionalPropertyTypes.
      await tools().connect(transport as never)
      await transport.handleRequest(Object.assign(request, { auth }), response, parsed)
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error
      seen.push({ status: error.status, challenge: error.headers['WWW-Authenticate'] })
      const answer = error.toResponse()
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const resource = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const scopes = ['mcp:connect', 'memories:read']
  const guard = createMcpGuard({
    issuer: gateway.url,
    resource,
    name: 'Notes',
    scope: scopes.join(' '),
    tools: { write_note: 'memories:write' },
  })
  await addResource(gateway, resource, scopes)
  return {
    resource,
    /** The refused requests, with their errors. */
    seen,
    async stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
