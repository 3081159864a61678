import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { serve } from '../../shared/http/serve.ts'
import { accountHolder } from '../../shared/identity/account-holder.ts'
import { demandScope, demandUai, refuseForeignPage } from '../../shared/identity/authority.ts'
import {
  createProject,
  deleteProject,
  describeProject,
  newProjectBody,
  projectChangesBody,
  projectOf,
  projectsOf,
  updateProject,
} from '../../shared/identity/projects.ts'
import { recordRefusals, rememberCaller } from '../../shared/identity/record-refusals.ts'
import {
  createStoredKey,
  describeStoredKey,
  newStoredKeyBody,
  removeStoredKey,
  storedKeyChangesBody,
  storedKeyOf,
  storedKeysOf,
  updateStoredKey,
} from '../../shared/identity/stored-keys.ts'

const BASE = '/v1/projects'
const KEYS = `${BASE}/:projectId/api-keys`
const app = createApp('api', { around: recordRefusals(gateway) })

/** The person, who reads; or writes, which a page of somebody else may not make them do. */
async function callerFor(c: AppContext, area: 'projects' | 'secrets') {
  const principal = await accountHolder(gateway(), c, { missing: 'auth_required' })
  rememberCaller(c, principal)
  demandUai(principal)
  const writes = c.req.method !== 'GET'
  if (writes) refuseForeignPage(gateway(), c, principal)
  demandScope(principal, `${area}:${writes ? 'write' : 'read'}`)
  return { gateway: gateway(), c, principal }
}

const projectId = (c: AppContext) => c.req.param('projectId') ?? ''

app.get(BASE, async (c) => {
  const { principal } = await callerFor(c, 'projects')
  return c.json((await projectsOf(gateway(), principal)).map(describeProject))
})

app.post(BASE, async (c) => {
  const { principal } = await callerFor(c, 'projects')
  return c.json(describeProject(await createProject(gateway(), c, principal, await readBody(c, newProjectBody()))), 201)
})

app.get(`${BASE}/:projectId`, async (c) => {
  const { principal } = await callerFor(c, 'projects')
  return c.json(describeProject(await projectOf(gateway(), principal, projectId(c))))
})

app.on(['PUT', 'PATCH'], `${BASE}/:projectId`, async (c) => {
  const { principal } = await callerFor(c, 'projects')
  const changes = await readBody(c, projectChangesBody())
  return c.json(describeProject(await updateProject(gateway(), c, principal, projectId(c), changes)))
})

app.delete(`${BASE}/:projectId`, async (c) => {
  const { principal } = await callerFor(c, 'projects')
  await deleteProject(gateway(), c, principal, projectId(c))
  return c.json({ success: true })
})

app.get(KEYS, async (c) => {
  const keys = await storedKeysOf(await callerFor(c, 'secrets'), projectId(c))
  return c.json(keys.map(describeStoredKey))
})

app.post(KEYS, async (c) => {
  const seen = await callerFor(c, 'secrets')
  const made = await createStoredKey(seen, projectId(c), await readBody(c, newStoredKeyBody()))
  return c.json(describeStoredKey(made), 201)
})

const keyIn = (seen: Awaited<ReturnType<typeof callerFor>>, counts = false) =>
  storedKeyOf(seen, seen.c.req.param('keyId') ?? '', { projectId: projectId(seen.c), counts })

app.get(`${KEYS}/:keyId`, async (c) => c.json(describeStoredKey(await keyIn(await callerFor(c, 'secrets'), true))))

app.on(['PUT', 'PATCH'], `${KEYS}/:keyId`, async (c) => {
  const seen = await callerFor(c, 'secrets')
  const before = await keyIn(seen)
  return c.json(describeStoredKey(await updateStoredKey(seen, before, await readBody(c, storedKeyChangesBody()))))
})

app.delete(`${KEYS}/:keyId`, async (c) => {
  const seen = await callerFor(c, 'secrets')
  await removeStoredKey(seen, await keyIn(seen))
  return c.json({ success: true })
})

export default serve(app)
