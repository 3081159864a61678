import type { Aggregate, Decision } from '../events/types.ts'

/** What a person wrote; it stands in the log only sealed. */
export type ProjectDetails = {
  name: string
  description?: string
  teamMembers: string[]
  settings: Record<string, unknown>
}

type Written = { personal: { details: string }; lookups: { kind: 'project_name'; value: string }[] }

export type ProjectEvent =
  | ({ type: 'ProjectCreated'; data: { ownerId: string; organizationId: string; members: string[] } } & Written)
  | ({ type: 'ProjectUpdated'; data: { members: string[] } } & Written)
  | { type: 'ProjectDeleted'; data: Record<string, never> }

export type Project = { status: 'none' } | { status: 'live' | 'deleted'; ownerId: string }

export const project: Aggregate<Project, ProjectEvent> = {
  type: 'project',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'ProjectCreated') return { status: 'live', ownerId: event.data.ownerId }
    if (state.status === 'none') return state
    return event.type === 'ProjectDeleted' ? { ...state, status: 'deleted' } : state
  },
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What a project's name is looked up by: unique among the live projects of an owner. */
export function projectNameLookup(ownerId: string, name: string): string {
  return `project:${ownerId}:${name.trim().normalize('NFC').toLowerCase()}`
}

/** Team members by UAI see the project; others are names only. */
const membersOf = ({ teamMembers }: ProjectDetails) => teamMembers.filter((one) => UUID.test(one))

const written = (ownerId: string, details: ProjectDetails): Written => ({
  personal: { details: JSON.stringify(details) },
  lookups: [{ kind: 'project_name', value: projectNameLookup(ownerId, details.name) }],
})

export function createProject(input: {
  ownerId: string
  organizationId: string
  details: ProjectDetails
}): Decision<ProjectEvent> {
  const { ownerId, organizationId, details } = input
  const data = { ownerId, organizationId, members: membersOf(details) }
  return { events: [{ type: 'ProjectCreated', data, ...written(ownerId, details) }] }
}

/** Only the owner changes a project. */
export function updateProject(state: Project, input: { by: string; details: ProjectDetails }): Decision<ProjectEvent> {
  if (state.status !== 'live') return { events: [], refuse: 'project_not_found' }
  if (state.ownerId !== input.by) return { events: [], refuse: 'not_owner' }
  const { details } = input
  return {
    events: [{ type: 'ProjectUpdated', data: { members: membersOf(details) }, ...written(state.ownerId, details) }],
  }
}

export function deleteProject(state: Project, by: string): Decision<ProjectEvent> {
  if (state.status !== 'live') return { events: [], refuse: 'project_not_found' }
  if (state.ownerId !== by) return { events: [], refuse: 'not_owner' }
  return { events: [{ type: 'ProjectDeleted', data: {} }] }
}
