import { uuidv7 } from 'uuidv7'
import { agentDelegation, delegate, endDelegation } from '../../shared/domain/agent-delegation.ts'
import * as devices from '../../shared/domain/device-authorization.ts'
import { KEY_RING_ID, keyRing, rotateRoot } from '../../shared/domain/key-ring.ts'
import { readRecords, recordRead } from '../../shared/domain/record-read.ts'
import { countRefusals, recordRefusal, refusedRequest } from '../../shared/domain/refused-request.ts'
import { startFamily, tokenFamily } from '../../shared/domain/token-family.ts'
import type { Unit } from './unit.ts'

/** Tokens of services, in their own name and for people, and refused requests. */
export function createServiceTraffic(
  unit: Unit,
  families: { id: string; uai: string; sessionId: string }[],
  client: string,
) {
  const facts = (n: number) => ({
    clientId: client,
    scope: ['memories:read'],
    resources: ['https://api.lanonasis.com'],
    offline: n % 2 === 0,
    accessTokenId: uuidv7(),
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    ...(n % 3 === 0 && { confirmation: { jkt: `key ${n}` } }),
  })

  return {
    async serviceToken(n: number): Promise<void> {
      await unit(async (work) => {
        const started = startFamily({ kind: 'service', ...facts(n) })
        work.start(tokenFamily, uuidv7(), {}).decide(() => started)
      })
    },

    async delegate(n: number): Promise<void> {
      const from = families[n % families.length]
      if (!from) return
      await unit(async (work) => {
        const descent = { sessionId: from.sessionId, ancestors: [from.id], ancestorTokens: [`token ${n}`] }
        const actor = { sub: 'api-gateway', ...(n % 2 && { act: { sub: 'web' } }) }
        const apiKey = n % 5 === 0 ? { id: uuidv7(), rotations: n % 3 } : undefined
        const started = startFamily({ kind: 'delegated', uai: from.uai, ...facts(n), ...descent, actor, apiKey })
        work.start(tokenFamily, uuidv7(), { subject: from.uai }).decide(() => started)
      })
    },

    async refuse(n: number): Promise<void> {
      const subject = families[n % families.length]?.uai
      await unit(async (work) => {
        const refused = { method: 'POST', route: '/oauth/token', refusal: 'INVALID_CLIENT', clientId: `client-${n}` }
        const [id, counted] = [uuidv7(), uuidv7()]
        work.start(refusedRequest, id, { subject: subject ?? id }).decide(() => recordRefusal(refused, '192.0.2'))
        const at = new Date().toISOString()
        const count = { since: at, until: at, count: n + 1, refusals: { INVALID_CLIENT: n + 1 } }
        work.start(refusedRequest, counted, { subject: counted }).decide(() => countRefusals(count, '192.0.2'))
      })
    },

    async read(n: number): Promise<void> {
      const subject = families[n % families.length]?.uai
      if (!subject) return
      await unit(async (work) => {
        work.actor = { type: 'operator', id: subject }
        const facts = { method: 'GET', route: '/admin/people/:id', target: subject }
        work.start(recordRead, uuidv7(), { subject }).decide(() => readRecords(facts, { filter: `at=${n}` }))
      })
    },

    async rotateRoot(n: number): Promise<void> {
      await unit(async (work) => {
        const stream = await work.load(keyRing, KEY_RING_ID, {})
        stream.decide(() => rotateRoot({ root: `secret:${n}`, previous: 'secret:first' }))
      })
    },

    async agent(n: number): Promise<void> {
      const from = families[n % families.length]
      if (!from) return
      await unit(async (work) => {
        const { scope: scopes, resources, expiresAt } = facts(n)
        const stream = work.start(agentDelegation, uuidv7(), { subject: from.uai })
        stream.decide(() => delegate({ uai: from.uai, clientId: client, scopes, resources, expiresAt }, {}))
        if (n % 2) stream.decide((state) => endDelegation(state, 'person'))
      })
    },

    async device(n: number): Promise<void> {
      const from = families[n % families.length]
      if (!from) return
      const id = uuidv7()
      const { scope, resources, expiresAt } = facts(n)
      const visitor = { uai: from.uai, sessionId: from.sessionId, now: new Date() }
      const poll = { deviceCodeHash: id, clientId: client, now: new Date(), familyId: uuidv7() }
      await unit(async (work) => {
        const stream = work.start(devices.deviceAuthorization, id, { subject: id })
        const asked = { clientId: client, scope, resources, deviceCodeHash: id, userCodeHash: id, expiresAt }
        stream.decide(() => devices.requestDevice({ facts: asked, origin: '{"ip":"203.0.113.9"}' }))
        if (n % 3) stream.decide((state) => devices.openDevice(state, visitor))
        if (n % 4 === 1) stream.decide((state) => devices.denyDevice(state, visitor))
        if (n % 4 > 1) stream.decide((state) => devices.approveDevice(state, visitor))
        if (n % 4 === 2) stream.decide((state) => devices.redeemDevice(state, poll))
      })
    },
  }
}
