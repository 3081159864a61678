import { uuidv7 } from 'uuidv7'
import * as keys from '../../shared/domain/api-key.ts'
import type { ApiKeySettings } from '../../shared/domain/api-key-settings.ts'
import type { Unit } from './unit.ts'

type Owner = { uai: string }

const settings = (n: number): ApiKeySettings => ({
  scopes: n % 2 ? ['memories:*', 'profile:read'] : ['memories:read'],
  accessLevel: 'team',
  service: n % 3 ? 'all' : 'specific',
  serviceScopes: n % 3 ? [] : [{ service_key: 'memories', max_calls_per_day: n + 1 }],
  ...(n % 2 && { keyContext: 'team', consumer: 'claude', binding: { client_id: 'hermes' } }),
  ...(n % 4 === 0 && { expiresAt: new Date(Date.now() + 86_400_000).toISOString() }),
  ...(n % 5 === 0 && { networks: ['10.1.2.3/8', '2001:db8::/32'], limits: { max_uses: 9 } }),
})

/** Units of work on API keys. */
export function createKeyTraffic(unit: Unit, people: Owner[]) {
  const made: { id: string; owner: string; parent?: string }[] = []

  function decisions(
    n: number,
    id: string,
    rotations: number,
  ): ((state: keys.ApiKey) => ReturnType<typeof keys.deleteKey>)[] {
    const name = `Key ${n % 7}`
    const odd = (n >> 3) % 2 === 1
    const fresh = { secretHash: `${id}.${n}.${uuidv7()}`, preview: `p${n}`, knownRotations: rotations, now: new Date() }
    const report = { source: 'github', url: `https://example.com/${n}` }
    return [
      (state) => keys.rotateKey(state, { ...fresh, graceSeconds: odd ? 3600 : 0 }),
      (state) => keys.updateKey(state, { name, settings: settings(n), mayLoosen: true }),
      (state) => keys.reportLeak(state, { ...report, policy: odd ? 'quarantine' : 'notify' }),
      (state) => keys.warnOfExpiry(state),
      (state) => keys.noteNotified(state, { kind: 'api_key_leaked', outcome: 'sent', messageId: uuidv7() }),
      (state) => keys.revokeKey(state, 'test'),
      (state) => keys.rotateKey(state, { ...fresh, graceSeconds: 60 }),
      (state) => keys.deleteKey(state, 'test'),
    ]
  }

  return {
    async createKey(n: number): Promise<void> {
      const owner = people[n % people.length]?.uai
      if (!owner) return
      const id = uuidv7()
      const done = await unit(async (work) => {
        const stream = work.start(keys.apiKey, id, { subject: owner })
        stream.decide(() =>
          keys.createKey({
            owner: { type: n % 3 ? 'person' : 'organization', id: owner },
            organizationId: uuidv7(),
            createdBy: owner,
            origin: n % 6 ? 'owner' : 'import',
            name: `Key ${id}`,
            description: n % 2 ? 'a description' : undefined,
            secretHash: id,
            preview: 'lano_0000…0000',
            settings: settings(n),
          }),
        )
        return true
      })
      if (done) made.push({ id, owner })
    },

    /** A key from one that is there, within its settings as far as those allow any. */
    async deriveKey(n: number): Promise<void> {
      const from = made[n % made.length]
      if (!from) return
      const id = uuidv7()
      const done = await unit(async (work) => {
        const parent = await work.load(keys.apiKey, from.id, { subject: from.owner })
        if (parent.state.status === 'none') return undefined
        const { settings: own } = parent.state
        const made = { keyId: id, createdBy: from.owner, settings: own, generation: 2, now: new Date() }
        parent.decide((state) => keys.deriveKey(state, made))
        work.start(keys.apiKey, id, { subject: from.owner }).decide(() =>
          keys.createKey({
            owner: { type: 'person', id: from.owner },
            organizationId: uuidv7(),
            createdBy: from.owner,
            origin: 'owner',
            name: `Key ${id}`,
            secretHash: id,
            preview: 'lano_0000…0000',
            settings: own,
            parent: from.id,
            application: n % 2 ? uuidv7() : undefined,
          }),
        )
        return true
      })
      if (done) made.push({ id, owner: from.owner, parent: from.id })
    },

    /** What a narrowed parent does to one that was made from it. */
    async narrowKey(n: number): Promise<void> {
      const derived = made.filter(({ parent }) => parent !== undefined)
      const { id, owner, parent } = derived[n % derived.length] ?? {}
      if (!id || !owner || !parent) return
      await unit(async (work) => {
        const stream = await work.load(keys.apiKey, id, { subject: owner })
        const narrowed = { ...settings(n), expiresAt: new Date(Date.now() + n * 1000).toISOString() }
        stream.decide((state) => keys.followParent(state, { id: parent, settings: narrowed }))
      })
    },

    async changeKey(n: number): Promise<void> {
      const key = made[n % made.length]
      if (key)
        await unit(async (work) => {
          const stream = await work.load(keys.apiKey, key.id, { subject: key.owner })
          const rotations = stream.state.status === 'none' ? 0 : stream.state.rotations
          const all = decisions(n, key.id, rotations)
          stream.decide(all[n % all.length] ?? keys.warnOfExpiry)
        })
    },
  }
}
