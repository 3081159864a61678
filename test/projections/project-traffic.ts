import { uuidv7 } from 'uuidv7'
import * as projects from '../../shared/domain/project.ts'
import * as stored from '../../shared/domain/stored-key.ts'
import type { Unit } from './unit.ts'

const facts = (n: number): stored.StoredKeyFacts => ({
  keyType: n % 2 ? 'api_key' : 'oauth_token',
  environment: 'production',
  accessLevel: 'team',
  status: 'active',
  ...(n % 3 === 0 && { rotationFrequency: 'monthly', expiresAt: new Date(Date.now() + 86_400_000).toISOString() }),
})

/** Units of work on projects and the keys in them. */
export function createProjectTraffic(unit: Unit, people: { uai: string }[]) {
  const made: { id: string; owner: string }[] = []
  const keys: { id: string; owner: string; projectId: string }[] = []
  const named = (name: string, n: number) => ({
    name,
    teamMembers: n % 2 ? [uuidv7(), 'bob@example.test'] : [],
    settings: { n },
  })

  return {
    async project(n: number): Promise<void> {
      const owner = people[n % people.length]?.uai
      const known = made[n % made.length]
      if (!owner) return
      if (known && n % 3 !== 0) {
        await unit(async (work) => {
          const stream = await work.load(projects.project, known.id, { subject: known.owner })
          const details = named(`Project ${known.id} ${n}`, n)
          stream.decide((state) =>
            n % 7 === 0
              ? projects.deleteProject(state, known.owner)
              : projects.updateProject(state, { by: known.owner, details }),
          )
        })
        return
      }
      const id = uuidv7()
      const done = await unit(async (work) => {
        const input = { ownerId: owner, organizationId: uuidv7(), details: named(`Project ${id}`, n) }
        work.start(projects.project, id, { subject: owner }).decide(() => projects.createProject(input))
        return true
      })
      if (done) made.push({ id, owner })
    },

    async storedKey(n: number): Promise<void> {
      const project = made[n % made.length]
      const known = keys[n % keys.length]
      if (!project) return
      if (known && n % 2) {
        await unit(async (work) => {
          const stream = await work.load(stored.storedKey, known.id, { subject: known.owner })
          const details = { name: `Key ${known.id} ${n}`, tags: ['x'], metadata: {} }
          const value = n % 5 ? Buffer.from(`sealed ${n}`) : undefined
          stream.decide((state) =>
            n % 9 === 0
              ? stored.removeStoredKey(state)
              : stored.updateStoredKey(state, { projectId: known.projectId, facts: facts(n), details, value }),
          )
        })
        return
      }
      const id = uuidv7()
      const done = await unit(async (work) => {
        const details = { name: `Key ${id}`, tags: [], metadata: { n } }
        const owned = { projectId: project.id, organizationId: uuidv7(), createdBy: project.owner }
        const added = stored.addStoredKey({ ...owned, facts: facts(n), details, value: Buffer.from('sealed') })
        work.start(stored.storedKey, id, { subject: project.owner }).decide(() => added)
        return true
      })
      if (done) keys.push({ id, owner: project.owner, projectId: project.id })
    },
  }
}
