import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { everyday } from '../../shared/access/authorities.ts'
import {
  createProject,
  deleteProject,
  describeProject,
  newProjectBody,
  projectChangesBody,
  projectOf,
  projectsOf,
  updateProject,
} from '../../shared/api-keys/projects.ts'
import {
  createStoredKey,
  describeStoredKey,
  newStoredKeyBody,
  removeStoredKey,
  storedKeyChangesBody,
  storedKeyOf,
  storedKeysOf,
  updateStoredKey,
} from '../../shared/api-keys/stored-keys.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { done } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import * as keySchemas from '../openapi/key-schemas.ts'

const BASE = '/v1/projects'
const KEYS = `${BASE}/:projectId/api-keys`
const app = createApp('api', { tag: 'Projects' })

const over = (area: 'projects' | 'secrets') => {
  const options = { namesPeople: true, missing: 'auth_required' } as const
  return {
    read: everyday({ scope: `${area}:read`, ...options }),
    write: everyday({ scope: `${area}:write`, ...options }),
  }
}
const [projects, secrets] = [over('projects'), over('secrets')]

/** The request context of operations on stored keys. */
const seenBy = (c: AppContext, principal: PersonPrincipal) => ({ call: c.var.call, principal })

const projectId = (c: AppContext) => c.req.param('projectId') ?? ''

app.route('GET', BASE, {
  authority: projects.read,
  operation: { summary: 'Lists projects', answers: { 200: () => z.array(keySchemas.project()) } },
})(async (c, principal) => {
  return c.json((await projectsOf(c.var.call, principal)).map(describeProject))
})

app.route('POST', BASE, {
  authority: projects.write,
  operation: { summary: 'Creates a project', body: newProjectBody, answers: { 201: keySchemas.project } },
})(async (c, principal) => {
  return c.json(describeProject(await createProject(c.var.call, principal, await readBody(c, newProjectBody()))), 201)
})

app.route('GET', `${BASE}/:projectId`, {
  authority: projects.read,
  operation: { summary: 'Returns a project', answers: { 200: keySchemas.project } },
})(async (c, principal) => {
  return c.json(describeProject(await projectOf(c.var.call, principal, projectId(c))))
})

app.route(['PUT', 'PATCH'], `${BASE}/:projectId`, {
  authority: projects.write,
  operation: { summary: 'Updates a project', body: projectChangesBody, answers: { 200: keySchemas.project } },
})(async (c, principal) => {
  const changes = await readBody(c, projectChangesBody())
  return c.json(describeProject(await updateProject(c.var.call, principal, projectId(c), changes)))
})

app.route('DELETE', `${BASE}/:projectId`, {
  authority: projects.write,
  operation: { summary: 'Deletes a project', answers: { 200: done } },
})(async (c, principal) => {
  await deleteProject(c.var.call, principal, projectId(c))
  return c.json({ success: true })
})

app.route('GET', KEYS, {
  authority: secrets.read,
  operation: { summary: 'Lists the stored keys of a project', answers: { 200: () => z.array(keySchemas.storedKey()) } },
})(async (c, principal) => {
  const keys = await storedKeysOf(seenBy(c, principal), projectId(c))
  return c.json(keys.map(describeStoredKey))
})

app.route('POST', KEYS, {
  authority: secrets.write,
  operation: { summary: 'Stores a key', body: newStoredKeyBody, answers: { 201: keySchemas.storedKey } },
})(async (c, principal) => {
  const seen = seenBy(c, principal)
  const made = await createStoredKey(seen, projectId(c), await readBody(c, newStoredKeyBody()))
  return c.json(describeStoredKey(made), 201)
})

const keyIn = (c: AppContext, principal: PersonPrincipal, counts = false) =>
  storedKeyOf(seenBy(c, principal), c.req.param('keyId') ?? '', { projectId: projectId(c), counts })

app.route('GET', `${KEYS}/:keyId`, {
  authority: secrets.read,
  operation: { summary: 'Returns a stored key', answers: { 200: keySchemas.storedKey } },
})(async (c, principal) => c.json(describeStoredKey(await keyIn(c, principal, true))))

app.route(['PUT', 'PATCH'], `${KEYS}/:keyId`, {
  authority: secrets.write,
  operation: { summary: 'Updates a stored key', body: storedKeyChangesBody, answers: { 200: keySchemas.storedKey } },
})(async (c, principal) => {
  const seen = seenBy(c, principal)
  const before = await keyIn(c, principal)
  return c.json(describeStoredKey(await updateStoredKey(seen, before, await readBody(c, storedKeyChangesBody()))))
})

app.route('DELETE', `${KEYS}/:keyId`, {
  authority: secrets.write,
  operation: { summary: 'Deletes a stored key', answers: { 200: done } },
})(async (c, principal) => {
  const seen = seenBy(c, principal)
  await removeStoredKey(seen, await keyIn(c, principal))
  return c.json({ success: true })
})

export default serve(app)
