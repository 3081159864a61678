import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { addResource } from '../support/mcp-server.ts'
import { signIn } from '../support/sign-in.ts'

const RESOURCE = 'https://notes.example/mcp'
const PROGRAM = path.resolve('node_modules/@modelcontextprotocol/conformance/dist/index.js')

const gateway = useGateway()
beforeAll(async () => {
  await addResource(gateway, RESOURCE, ['mcp:connect'])
})

/** Runs the suite's authorization mode; a person in a browser follows the link that it prints. */
async function conformance(version: string) {
  const port = await freePort()
  const { client_id } = await addClient(gateway, `conformance-${version}`, {
    client_name: 'MCP conformance suite',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
    scope: 'mcp:connect memories:read',
    default_scope: 'mcp:connect',
  })
  const { browser } = await signIn(gateway)
  const args = ['authorization', '--url', gateway.url, '--client-id', client_id, '--port', String(port)]
  const child = spawn(
    process.execPath,
    [PROGRAM, ...args, '--resource', RESOURCE, '--spec-version', version, '--verbose'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  const visited = new Set<string>()
  const read = async (chunk: Buffer) => {
    output += chunk
    const [link] = /http\S+\/oauth\/authorize\?[^\s"']+/.exec(output) ?? []
    if (!link || visited.has(link)) return
    visited.add(link)
    const page = await browser.visit(link)
    const answered = await browser.submit(page, { decision: 'allow' }, '/oauth/consent')
    await fetch(answered.location ?? '')
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  await once(child, 'exit')
  return { code: child.exitCode, output }
}

test.each(['2025-06-18', '2025-11-25', '2026-07-28'])(
  'both scenarios of the MCP conformance suite for authorization servers pass for %s',
  async (version) => {
    const { code, output } = await conformance(version)
    expect(output).not.toMatch(/FAILURE|WARNING/)
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('authorization-code-grant') })
  },
  60_000,
)
