import type postgres from 'postgres'
import type { ProjectDetails } from '../domain/project.ts'
import type { Personal } from '../personal.ts'

export type ProjectRecord = ProjectDetails & {
  id: string
  ownerId: string
  organizationId: string
  members: string[]
  createdAt: Date
  updatedAt: Date
}

type Row = Omit<ProjectRecord, keyof ProjectDetails> & { sealed: string | null; wrapped_key: Uint8Array | null }

const NOTHING: ProjectDetails = { name: '', teamMembers: [], settings: {} }

function toRecord(personal: Personal, { sealed, wrapped_key, ...facts }: Row): ProjectRecord {
  const details = personal.opener(facts.ownerId, wrapped_key)(sealed)
  return { ...(details ? JSON.parse(details) : NOTHING), ...facts }
}

const columns = (sql: postgres.Sql) => sql`
  select p.id, p.owner_id as "ownerId", p.organization_id as "organizationId", p.members::text[] as members,
    p.created_at as "createdAt", p.updated_at as "updatedAt", p.details as sealed, s.wrapped_key
  from auth_gateway.projects p left join auth_gateway.subject_keys s on s.subject = p.owner_id`

/** The active projects that a person owns or is a member of, or all, oldest first, at most 1000. */
export async function listProjects(
  sql: postgres.Sql,
  personal: Personal,
  input: { members: string[]; everything: boolean },
): Promise<ProjectRecord[]> {
  const rows = await sql<Row[]>`${columns(sql)}
    where p.status = 'active' and (${input.everything} or p.owner_id = any (${input.members}) or p.members && ${input.members}::uuid[])
    order by p.created_at, p.id limit 1000`
  return rows.map((row) => toRecord(personal, row))
}

export async function findProject(
  sql: postgres.Sql,
  personal: Personal,
  id: string,
): Promise<ProjectRecord | undefined> {
  const [row] = await sql<Row[]>`${columns(sql)} where p.id = ${id} and p.status = 'active'`
  return row && toRecord(personal, row)
}
