import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { uuidv7 } from 'uuidv7'
import { createCall } from '../../shared/call.ts'
import { addHook, type HookPoint, type HookSettings, hook } from '../../shared/domain/hook.ts'
import { commit } from '../../shared/events/commit.ts'
import type { TestGateway } from './gateway.ts'

const SECRET = Buffer.from('a secret that a hook and the gateway share').toString('base64')
export const HOOK_SECRET = `v1,whsec_${SECRET}`

type Heard = { type: string; id: string; data: { [member: string]: never } & { proofs: string[] } }

type Answer = { status?: number; body?: unknown; wait?: number }

/** A hook server: it checks what it receives and answers as the test says. */
export async function startHookServer() {
  const heard: Heard[] = []
  let answer: (message: Heard) => Answer | Promise<Answer> = () => ({ body: {} })
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    let message: Heard
    try {
      message = new Webhook(SECRET).verify(text, request.headers as Record<string, string>) as Heard
    } catch {
      response.writeHead(401).end()
      return
    }
    heard.push(message)
    const { status = 200, body = {}, wait = 0 } = await answer(message)
    await new Promise((resolve) => setTimeout(resolve, wait))
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard,
    answers(how: typeof answer) {
      answer = how
    },
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Adds a hook, as an operator does; answers with a way to end it. */
export async function addTestHook(
  { gateway, sql }: TestGateway,
  point: HookPoint,
  settings: Partial<HookSettings>,
): Promise<() => Promise<unknown>> {
  const id = uuidv7()
  const secret = gateway.ring.seal('hook-secret', Buffer.from(HOOK_SECRET), id)
  const all: HookSettings = {
    name: id,
    point,
    url: '',
    on_failure: 'closed',
    connections: [],
    roles: [],
    organizations: [],
    ...settings,
  }
  await commit(createCall(gateway), async (work) => {
    work.start(hook, id, {}).decide(() => addHook(all, secret))
  })
  return () => sql`delete from auth_gateway.hooks where id = ${id}`
}
