import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'
import { nameLookup } from './names.ts'

/** Text entered by the person; stored in the log only encrypted. */
export type ProjectDetails = {
  name: string
  description?: string
  teamMembers: string[]
  settings: Record<string, unknown>
}

type Written = { personal: { details: string }; lookups: { kind: 'project_name'; value: string }[] }

type ProjectEvent =
  | ({ type: 'ProjectCreated'; data: { ownerId: string; organizationId: string; members: string[] } } & Written)
  | ({ type: 'ProjectUpdated'; data: { members: string[] } } & Written)
  | { type: 'ProjectDeleted'; data: Record<string, never> }

export type Project = { status: 'none' } | { status: 'active' | 'deleted'; ownerId: string }

export const project: Aggregate<Project, ProjectEvent> = {
  type: 'project',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'ProjectCreated') return { status: 'active', ownerId: event.data.ownerId }
    if (state.status === 'none') return state
    return event.type === 'ProjectDeleted' ? { ...state, status: 'deleted' } : state
  },
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Team members given by UAI can see the project; other names are only display text. */
const membersOf = ({ teamMembers }: ProjectDetails) => teamMembers.filter((one) => UUID.test(one))

const written = (ownerId: string, details: ProjectDetails): Written => ({
  personal: { details: JSON.stringify(details) },
  lookups: [{ kind: 'project_name', value: nameLookup('project', ownerId, details.name) }],
})

export function createProject(input: {
  ownerId: string
  organizationId: string
  details: ProjectDetails
}): Decision<ProjectEvent> {
  const { ownerId, organizationId, details } = input
  const data = { ownerId, organizationId, members: membersOf(details) }
  return record({ type: 'ProjectCreated', data, ...written(ownerId, details) })
}

/** Records a change of a project; only its owner may make one. */
function ifOwner(state: Project, by: string, event: ProjectEvent): Decision<ProjectEvent> {
  if (state.status !== 'active') return refuse('project_not_found')
  return state.ownerId === by ? record(event) : refuse('not_owner')
}

export const updateProject = (state: Project, { by, details }: { by: string; details: ProjectDetails }) =>
  ifOwner(state, by, { type: 'ProjectUpdated', data: { members: membersOf(details) }, ...written(by, details) })

export const deleteProject = (state: Project, by: string) => ifOwner(state, by, { type: 'ProjectDeleted', data: {} })
