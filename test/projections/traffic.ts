import { uuidv7 } from 'uuidv7'
import { vi } from 'vitest'
import { createCall } from '../../shared/call.ts'
import { loadConfig } from '../../shared/config.ts'
import * as clients from '../../shared/domain/api-client.ts'
import { AUDIT_LOG_ID, auditLog, beginLog, changeOrigin } from '../../shared/domain/audit-log.ts'
import * as identities from '../../shared/domain/identity.ts'
import * as signingKeys from '../../shared/domain/signing-key.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit } from '../../shared/events/commit.ts'
import { type Gateway, openGateway } from '../../shared/gateway.ts'
import type { TestDatabase } from '../support/database.ts'
import { createIdentityTraffic } from './identity-traffic.ts'
import { createKeyTraffic } from './key-traffic.ts'
import { createMessageTraffic } from './message-traffic.ts'
import { createProjectTraffic } from './project-traffic.ts'
import { createServiceTraffic } from './service-traffic.ts'
import { createSignInTraffic, type Person } from './sign-in-traffic.ts'
import { createTokenTraffic } from './token-traffic.ts'
import { hash, later, pick, type Seal, type Session, type TokenFamily, type Unit } from './unit.ts'

const CLIENT = '0195d000-0000-7000-8000-000000000005'
export const ORIGIN = { clientIp: '203.0.113.77', userAgent: 'TrafficBrowser/9.9 (test)' }

/** A number that depends on its own name only, so that a new action changes nothing for the others. */
const scatter = (name: string) => Number.parseInt(hash(name).slice(0, 4), 16)

/** Units of work on a real store, decided by the domain, in the order in which the caller asks for them. */
export type Traffic = ReturnType<typeof createTraffic>

/** A gateway on a test database, as the application role. */
export async function testGateway(database: TestDatabase): Promise<Gateway> {
  const { gateway } = await openGateway(loadConfig({ NODE_ENV: 'test', DATABASE_URL: database.appUrl }))
  return gateway
}

export function createTraffic(gateway: Gateway) {
  const people: Person[] = []
  const sessionList: Session[] = []
  const familyList: TokenFamily[] = []
  const clientList: string[] = []
  const keyList: string[] = []

  const unit: Unit = (block) =>
    commit(createCall(gateway, ORIGIN), block).catch((error: unknown) => {
      if (error instanceof GatewayError) return undefined
      throw error
    })

  const seal: Seal = (purpose, text, context) => gateway.ring.seal(purpose, Buffer.from(text), context)

  const actions = {
    ...createKeyTraffic(unit, people),
    ...createProjectTraffic(unit, people),
    ...createIdentityTraffic(unit, people, seal),
    ...createServiceTraffic(unit, familyList, CLIENT),
    ...createMessageTraffic(unit),
    ...createSignInTraffic(unit, people, sessionList),
    ...createTokenTraffic(unit, seal, sessionList, familyList, CLIENT),

    async client(n: number): Promise<void> {
      const id = n % 3 === 0 ? undefined : pick(clientList, n)
      const metadata = clientMetadata(n)
      await unit(async (work) => {
        if (!id) {
          const made = work.start(clients.apiClient, uuidv7(), {})
          const clientId = `client-${made.id}`
          const secretHash = n % 2 ? hash(made.id) : undefined
          made.decide(() =>
            clients.registerClient({
              ...{ clientId, firstParty: n % 2 === 0, origin: 'operator', metadata, secretHash },
              sharingKey: n % 2 ? undefined : made.id,
            }),
          )
          if (n % 4 === 0) made.decide(clients.shareClient)
          made.decide((state) => clients.changeAccountAccess(state, n % 2 === 0 ? 'everyday' : 'none'))
          clientList.push(made.id)
          return
        }
        const stream = await work.load(clients.apiClient, id, {})
        const changes = [
          (state: clients.ApiClient) => clients.updateClient(state, metadata),
          (state: clients.ApiClient) =>
            clients.rotateClientSecret(state, {
              secretHash: hash(`${n}`),
              overlapSeconds: n % 2 ? 60 : 0,
              now: new Date(),
            }),
          (state: clients.ApiClient) => clients.suspendClient(state, 'test'),
          (state: clients.ApiClient) => clients.reinstateClient(state, 'test'),
          (state: clients.ApiClient) =>
            clients.changeAccountAccess(state, state.status !== 'none' && state.firstParty ? 'everyday' : 'none'),
        ]
        stream.decide(pick(changes, n) ?? ((state) => clients.updateClient(state, metadata)))
      })
    },

    async signingKey(n: number): Promise<void> {
      const id = pick(keyList, n)
      await unit(async (work) => {
        if (id && n % 2) {
          const stream = await work.load(signingKeys.signingKey, id, {})
          stream.decide((state) => signingKeys.retireKey(state, later(3600)))
          return
        }
        const stream = work.start(signingKeys.signingKey, uuidv7(), {})
        const kid = hash(stream.id)
        const sealedPrivateJwk = seal('signing-key', 'sealed', kid)
        const key = {
          kid,
          alg: 'ES256' as const,
          publicJwk: { kid, kty: 'EC' },
          activeFrom: new Date(),
          sealedPrivateJwk,
        }
        stream.decide(() => signingKeys.createKey(key))
        keyList.push(stream.id)
      })
    },

    async nameLog(n: number): Promise<void> {
      await unit(async (work) => {
        const stream = await work.load(auditLog, AUDIT_LOG_ID, {})
        stream.decide((state) => beginLog(state, 'localhost:4000/audit'))
        if (n % 2) stream.decide((state) => changeOrigin(state, { origin: `log-${n}.example.test`, reason: 'test' }))
      })
    },

    async standing(n: number): Promise<void> {
      const person = pick(people, n)
      if (person)
        await unit(async (work) => {
          const stream = await work.load(identities.identity, person.uai, { subject: person.uai })
          stream.decide((state) => (n % 2 ? identities.suspend(state, 'test') : identities.reinstate(state, 'test')))
        })
    },
  }

  /** Every action, one after the other, `rounds` times, with choices that are spread but always the same. */
  async function sweep(rounds: number): Promise<void> {
    for (let n = 1; n <= rounds; n++)
      for (const [name, action] of Object.entries(actions)) await action(scatter(`${n}.${name}`))
  }

  return { people, actions, sweep, names: Object.keys(actions) as (keyof typeof actions)[] }
}

function clientMetadata(n: number): clients.ClientMetadata {
  return {
    client_name: `Client ${n}`,
    application_type: 'web',
    token_endpoint_auth_method: n % 2 ? 'client_secret_basic' : 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [`https://client-${n}.example/callback`],
    scope: 'profile',
    default_scope: 'profile',
  }
}

/** Traffic of an earlier time: streams sort by their birth, and what they say expires from then on. */
export async function sweepAt(time: string, gateway: Gateway): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(time) })
  try {
    await createTraffic(gateway).sweep(14)
  } finally {
    vi.useRealTimers()
  }
}
