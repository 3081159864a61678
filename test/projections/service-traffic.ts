import { uuidv7 } from 'uuidv7'
import { recordRefusal, refusedRequest } from '../../shared/domain/refused-request.ts'
import { startFamily, tokenFamily } from '../../shared/domain/token-family.ts'
import type { Work } from '../../shared/events/commit.ts'

type Unit = <T>(block: (work: Work) => Promise<T>) => Promise<T | undefined>

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
        work.start(refusedRequest, uuidv7(), { subject }).decide(() => recordRefusal(refused))
      })
    },
  }
}
