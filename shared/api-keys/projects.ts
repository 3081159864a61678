import * as z from 'zod/mini'
import type { PersonPrincipal } from '../access/authenticate.ts'
import { asksAsOperator } from '../access/authorities.ts'
import { commitAs, demandScope } from '../access/authority.ts'
import type { Call } from '../call.ts'
import * as projects from '../domain/project.ts'
import { removeStoredKey, storedKey } from '../domain/stored-key.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson } from '../events/commit.ts'
import { newId } from '../ids.ts'
import { once } from '../once.ts'
import { findProject, listProjects, type ProjectRecord } from '../queries/projects.ts'
import { listStoredKeys } from '../queries/stored-keys.ts'
import { requireUuid } from '../typed/fields.ts'
import { requireUniqueName } from './unique-name.ts'

const object = once(() =>
  z.record(z.string(), z.unknown()).check(z.refine((value) => JSON.stringify(value).length <= 16_384, 'is too large')),
)
/** The name of a project or stored key. */
export const nameField = once(() =>
  z.string('invalid_name').check(z.trim(), z.minLength(1, 'invalid_name'), z.maxLength(200, 'invalid_name')),
)
const settable = once(() => ({
  description: z.optional(z.string().check(z.trim(), z.maxLength(2000))),
  teamMembers: z.optional(z.array(z.string().check(z.trim(), z.maxLength(254))).check(z.maxLength(100))),
  settings: z.optional(object()),
}))

export const newProjectBody = once(() =>
  z.object({
    name: nameField(),
    organizationId: z.optional(z.uuid('invalid_organization')),
    ...settable(),
  }),
)
export const projectChangesBody = once(() => z.object({ name: z.optional(nameField()), ...settable() }))

/** Returns the public description of a project (docs/wire-contract.md 1.8). */
export function describeProject(project: ProjectRecord) {
  return {
    id: project.id,
    name: project.name,
    description: project.description ?? null,
    organizationId: project.organizationId,
    ownerId: project.ownerId,
    teamMembers: project.teamMembers,
    settings: project.settings,
    createdAt: project.createdAt.toISOString(),
    updatedAt: project.updatedAt.toISOString(),
  }
}

/** Returns the acting UAI of the person: the owner's, if it is one of theirs. */
const asOwner = ({ person }: PersonPrincipal, ownerId: string) =>
  person.members.includes(ownerId) ? ownerId : person.uai

export async function projectsOf(call: Call, principal: PersonPrincipal): Promise<ProjectRecord[]> {
  const everything = await asksAsOperator(call, principal)
  return listProjects(call.gateway.reads, call.gateway.personal, { members: principal.person.members, everything })
}

/**
 * Returns a project that the principal owns or is a member of; operators of all organizations see every project.
 * @throws GatewayError invalid_project_id, project_not_found
 */
export async function projectOf(call: Call, principal: PersonPrincipal, id: string): Promise<ProjectRecord> {
  const { reads, personal } = call.gateway
  const project = await findProject(reads, personal, requireUuid(id, 'invalid_project_id'))
  const { members } = principal.person
  const isTheirs = project && [project.ownerId, ...project.members].some((one) => members.includes(one))
  if (!project || !(isTheirs || (await asksAsOperator(call, principal)))) throw new GatewayError('project_not_found')
  return project
}

/** @throws GatewayError invalid_organization, project_conflict, too_many_projects */
export async function createProject(
  call: Call,
  principal: PersonPrincipal,
  input: z.infer<ReturnType<typeof newProjectBody>>,
): Promise<ProjectRecord> {
  const { uai, organizationId } = principal.person
  if (input.organizationId && input.organizationId !== organizationId) throw new GatewayError('invalid_organization')
  const { name, description, teamMembers = [], settings = {} } = input
  const id = newId()
  await commitAs(call, principal, async (work) => {
    await requireUniqueName(call.gateway, { kind: 'project', place: uai, name })
    const details = { name, description, teamMembers, settings }
    const created = projects.createProject({ ownerId: uai, organizationId, details })
    work.start(projects.project, id, aboutPerson(principal.person)).decide(() => created)
  })
  return projectOf(call, principal, id)
}

/** @throws GatewayError not_owner, project_conflict, project_not_found */
export async function updateProject(
  call: Call,
  principal: PersonPrincipal,
  id: string,
  input: z.infer<ReturnType<typeof projectChangesBody>>,
): Promise<ProjectRecord> {
  const before = await projectOf(call, principal, id)
  const { name = before.name, description = before.description } = input
  const { teamMembers = before.teamMembers, settings = before.settings } = input
  const details = { name, description, teamMembers, settings }
  await commitAs(call, principal, async (work) => {
    const stream = await work.load(projects.project, id, { subject: before.ownerId })
    await requireUniqueName(call.gateway, { kind: 'project', place: before.ownerId, name }, id)
    stream.decide((state) => projects.updateProject(state, { by: asOwner(principal, before.ownerId), details }))
  })
  return projectOf(call, principal, id)
}

/**
 * Deletes a project and its keys.
 * @throws GatewayError not_owner, project_not_found; insufficient_scope if the credential may not delete its keys
 */
export async function deleteProject(call: Call, principal: PersonPrincipal, id: string): Promise<void> {
  const { ownerId } = await projectOf(call, principal, id)
  const by = asOwner(principal, ownerId)
  await commitAs(call, principal, async (work) => {
    const stream = await work.load(projects.project, id, { subject: ownerId })
    stream.decide((state) => projects.deleteProject(state, by))
    const storedKeys = await listStoredKeys(call.gateway.reads, call.gateway.personal, id)
    if (storedKeys.length > 0) demandScope(principal, 'secrets:write')
    for (const key of storedKeys) {
      const at = { state: { status: 'active' as const }, version: key.version }
      work.resume(storedKey, key.id, at, { subject: key.createdBy, wrappedKey: key.wrappedKey }).decide(removeStoredKey)
    }
  })
}
