import { IP_HEADER, newEmail, randomIp, type TestGateway } from '../support/gateway.ts'

// biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the flow asks about
type Answer = { status: number; body: any }

/** What the gateway said that it had done. Everything else may or may not have happened. */
export type Acknowledged = {
  signIns: { uai: string; accessToken: string }[]
  rotations: { uai: string; refreshToken: string }[]
  revocations: { accessToken: string }[]
  keys: { id: string; key: string; revoked: boolean }[]
}

/** A signed-in terminal: its newest tokens, and whether a user has asked to end them. */
type Terminal = { uai: string; accessToken: string; refreshToken: string; ended: boolean }

export type Traffic = {
  acknowledged: Acknowledged
  /** Every status that was answered, and how often. */
  statuses: Map<number, number>
  /** Answers that nothing explains, such as a valid token refused. */
  violations: string[]
  /** Signs people in, and lets them refresh, look, revoke and make keys, until it is stopped. */
  work(random: () => number): Promise<void>
  stop(): void
}

const SILENT = new Set([502, 503, 504])

/** What people and programs do, by a person who keeps a list of what was promised. */
export function createTraffic(gateway: TestGateway): Traffic {
  const acknowledged: Acknowledged = { signIns: [], rotations: [], revocations: [], keys: [] }
  const statuses = new Map<number, number>()
  const violations: string[] = []
  let working = true

  async function ask(path: string, init: RequestInit & { token?: string }): Promise<Answer> {
    const { token, ...rest } = init
    const headers = new Headers(rest.headers)
    headers.set(IP_HEADER, randomIp())
    if (token) headers.set('authorization', `Bearer ${token}`)
    const response = await fetch(`${gateway.url}${path}`, { ...rest, headers })
    const text = await response.text()
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
    const isJson = response.headers.get('content-type')?.includes('json')
    return { status: response.status, body: isJson && text ? JSON.parse(text) : undefined }
  }
  const form = (path: string, fields: Record<string, string>) =>
    ask(path, { method: 'POST', body: new URLSearchParams(fields) })
  const json = (method: string, path: string, body: object, token?: string) =>
    ask(path, { method, token, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })

  function expectOrSilence(what: string, { status, body }: Answer, expected: number): boolean {
    if (status === expected) return true
    if (!SILENT.has(status)) violations.push(`${what}: ${status} ${JSON.stringify(body)}`)
    return false
  }

  async function signIn(): Promise<Terminal | undefined> {
    const email = newEmail()
    const sent = await json('POST', '/v1/auth/otp/send', { email })
    if (!expectOrSilence('send', sent, 200)) return undefined
    const code = { email, token: gateway.inbox.codeFor(email), platform: 'cli' }
    const { status, body } = await json('POST', '/v1/auth/otp/verify', code)
    if (!expectOrSilence('verify', { status, body }, 200)) return undefined
    acknowledged.signIns.push({ uai: body.user.id, accessToken: body.access_token })
    return { uai: body.user.id, accessToken: body.access_token, refreshToken: body.refresh_token, ended: false }
  }

  // An answer that was lost is asked for again: the old token gives the same answer for a while.
  async function refresh(terminal: Terminal): Promise<void> {
    const answer = await json('POST', '/v1/auth/refresh', { refresh_token: terminal.refreshToken })
    if (!expectOrSilence('refresh', answer, 200)) return
    terminal.accessToken = answer.body.access_token
    terminal.refreshToken = answer.body.refresh_token
    acknowledged.rotations.push({ uai: terminal.uai, refreshToken: terminal.refreshToken })
  }

  async function introspect(terminal: Terminal): Promise<void> {
    const { status, body } = await form('/oauth/introspect', { token: terminal.accessToken })
    if (!expectOrSilence('introspect', { status, body }, 200)) return
    if (body.active !== true) violations.push('a token that no one ended is not active')
  }

  async function end(terminal: Terminal): Promise<void> {
    terminal.ended = true
    const { accessToken } = terminal
    const answer = await ask('/v1/auth/logout', { method: 'POST', token: accessToken })
    if (expectOrSilence('logout', answer, 200)) acknowledged.revocations.push({ accessToken })
  }

  async function makeKey(terminal: Terminal, random: () => number): Promise<void> {
    const made = await json('POST', '/api/v1/api-keys', { name: crypto.randomUUID() }, terminal.accessToken)
    if (!expectOrSilence('key', made, 201)) return
    const { id, key } = made.body.data
    const kept = { id, key, revoked: false }
    acknowledged.keys.push(kept)
    if (random() < 0.5) return
    const revoked = await json('POST', `/api/v1/api-keys/${id}/revoke`, {}, terminal.accessToken)
    if (expectOrSilence('revoke key', revoked, 200)) kept.revoked = true
    else acknowledged.keys.splice(acknowledged.keys.indexOf(kept), 1)
  }

  async function live(random: () => number): Promise<void> {
    const terminal = await signIn()
    while (working && terminal && !terminal.ended) {
      const dice = random()
      if (dice < 0.4) await refresh(terminal)
      else if (dice < 0.75) await introspect(terminal)
      else if (dice < 0.9) await makeKey(terminal, random)
      else await end(terminal)
      await new Promise((resolve) => setTimeout(resolve, 5 + random() * 20))
    }
  }

  return {
    acknowledged,
    statuses,
    violations,
    async work(random) {
      while (working) {
        await live(random)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    stop: () => {
      working = false
    },
  }
}

/** Whether a key is taken, to compare with what was promised. */
export async function verifyKey({ url }: { url: string }, key: string): Promise<boolean> {
  const response = await fetch(`${url}/v1/auth/verify-api-key`, {
    method: 'POST',
    headers: { 'x-api-key': key, [IP_HEADER]: randomIp() },
  })
  return (await response.json()).valid === true
}

/** Whether a token is active. */
export async function isActive({ url }: { url: string }, token: string): Promise<boolean> {
  const body = new URLSearchParams({ token })
  const response = await fetch(`${url}/oauth/introspect`, {
    method: 'POST',
    body,
    headers: { [IP_HEADER]: randomIp() },
  })
  return (await response.json()).active === true
}
