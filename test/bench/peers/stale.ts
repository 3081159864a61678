import { waitForPort } from '../../../scripts/lib/ports.ts'
import { startDeliveryStub } from '../delivery-stub.ts'
import { form, json, newCaller, type SignedInPerson, signInPeople } from '../people.ts'
import { SERVICE } from '../services.ts'
import type { ProjectContext } from './adapters/project.ts'
import { reservePort } from './reserve-port.ts'
import { endProcess, type Target } from './target.ts'

export type StaleAnswers = { credential: string; revoked: number; stale: number }

/** How many of each credential are revoked. */
const COUNT = 200
const WORKERS = 4
const START_MS = 30_000

/** A credential that works. */
type Credential = {
  /** Whether the server at this address accepts it. */
  works(url: string): Promise<boolean>
  revoke(): Promise<void>
}

/** Creates a credential of a person at a server. */
type Kind = (url: string, person: SignedInPerson) => Promise<Credential>

async function send(url: string, request: RequestInit): Promise<Response> {
  const response = await fetch(url, request)
  if (response.ok) return response
  throw new Error(`${response.status} from ${url}: ${await response.text()}`)
}

const encoded = (fields: Record<string, string>): RequestInit => ({
  method: 'POST',
  headers: { ...form, ...newCaller() },
  body: new URLSearchParams(fields),
})

const accessToken: Kind = async (url) => {
  const request = { grant_type: 'client_credentials', scope: 'memories:read', ...SERVICE }
  const issued = (await (await send(`${url}/oauth/token`, encoded(request))).json()) as { access_token: string }
  const fields = { token: issued.access_token, ...SERVICE }
  return {
    works: async (at) => {
      const answer = (await (await send(`${at}/oauth/introspect`, encoded(fields))).json()) as { active: boolean }
      return answer.active
    },
    revoke: async () => {
      await send(`${url}/oauth/revoke`, encoded(fields))
    },
  }
}

const apiKey: Kind = async (url, person) => {
  const headers = { ...json, ...newCaller(), authorization: `Bearer ${person.accessToken}` }
  const keys = `${url}/api/v1/api-keys`
  const body = JSON.stringify({ name: 'revoked by the bench' })
  const created = (await (await send(keys, { method: 'POST', headers, body })).json()) as {
    data: { id: string; key: string }
  }
  const { id, key } = created.data
  return {
    works: async (at) => {
      const request = { method: 'POST', headers: { ...newCaller(), 'x-api-key': key } }
      const { status, ok } = await fetch(`${at}/v1/auth/verify-api-key`, request)
      if (!ok && status !== 401) throw new Error(`${status} for an API key`)
      return ok
    },
    revoke: async () => {
      await send(`${keys}/${id}/revoke`, { method: 'POST', headers, body: '{}' })
    },
  }
}

const session: Kind = async (url, { cookie, email }) => ({
  works: async (at) => {
    const response = await fetch(`${at}/v1/auth/resolve`, { headers: { ...newCaller(), cookie } })
    return (await response.text()).includes(email)
  },
  revoke: async () => {
    await send(`${url}/v1/auth/logout`, { method: 'POST', headers: { ...newCaller(), cookie, origin: url } })
  },
})

/** In this order for each person: the end of the session comes last. */
const KINDS: Record<string, Kind> = { 'access token': accessToken, 'API key': apiKey, session }

/** Revokes credentials at one server and reads them at it and at a second one at once. */
async function countStale(urls: [string, string], people: SignedInPerson[], kind: Kind): Promise<number> {
  const [first] = urls
  const left = [...people]
  let stale = 0
  const worker = async () => {
    for (let person = left.pop(); person; person = left.pop()) {
      const { works, revoke } = await kind(first, person)
      const before = await Promise.all(urls.map(works))
      if (before.includes(false)) throw new Error('a credential does not work before it is revoked')
      await revoke()
      const after = await Promise.all(urls.map(works))
      stale += after.filter(Boolean).length
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  return stale
}

/** Counts answers that are out of date: revokes tokens, API keys and sessions of the project, and reads each at once at two processes. */
export async function measureStaleAnswers(project: Target): Promise<StaleAnswers[]> {
  await project.restart()
  const port = await reservePort()
  const second = project.launch(port)
  const delivery = await startDeliveryStub((project.context as ProjectContext).deliveryPort)
  try {
    if (!(await waitForPort(port, START_MS))) throw new Error('the second process did not start')
    const people = await signInPeople(project.url, delivery, COUNT)
    const urls: [string, string] = [project.url, `http://127.0.0.1:${port}`]
    const results: StaleAnswers[] = []
    for (const [credential, kind] of Object.entries(KINDS))
      results.push({ credential, revoked: COUNT, stale: await countStale(urls, people, kind) })
    return results
  } finally {
    await delivery.stop()
    await endProcess(second)
    await project.stop()
  }
}
