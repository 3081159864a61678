import type { SeenEvent, TestGateway } from './gateway.ts'

/** Returns the events that have all of these columns, oldest first. */
export function eventsWhere(
  { sql }: TestGateway,
  columns: Partial<Record<'stream_type' | 'stream_id' | 'subject' | 'event_type', string>>,
): Promise<SeenEvent[]> {
  const conditions = Object.entries(columns).map(([column, value]) => sql`and ${sql(column)} = ${value}`)
  return sql<SeenEvent[]>`
    select event_type, data, stream_id, metadata from auth_gateway.event_store
    where true ${conditions} order by position`
}

/** Resets the limits whose name starts with `prefix`, by default all, so that the next code is sent. */
export async function openLimits({ sql }: TestGateway, prefix = ''): Promise<void> {
  await sql`delete from auth_gateway.rate_limits where starts_with(bucket, ${prefix})`
}

/** Sets how many uses the limits whose name starts with `prefix` have counted. */
export async function fillLimits({ sql }: TestGateway, prefix: string, count: number): Promise<void> {
  await sql`update auth_gateway.rate_limits set count = ${count} where starts_with(bucket, ${prefix})`
}

/** Sets the status of a person, without an event. */
export async function setStatus({ sql }: TestGateway, uai: string, status: string): Promise<void> {
  await sql`update auth_gateway.identities set status = ${status} where uai = ${uai}`
}

/** Sets the role of a person, without an event, so that no session ends. */
export async function setRole({ sql }: TestGateway, uai: string, role: string): Promise<void> {
  await sql`update auth_gateway.identities set role = ${role} where uai = ${uai}`
}

/** Returns the organization of a person. */
export async function organizationOf({ sql }: TestGateway, uai: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select organization_id as id from auth_gateway.identities where uai = ${uai}`
  if (!row) throw new Error(`no person ${uai}`)
  return row.id
}

/** Moves a person to the organization of another. */
export async function joinOrganizationOf({ sql }: TestGateway, other: string, uai: string): Promise<void> {
  await sql`
    update auth_gateway.identities m set organization_id = a.organization_id, organizations = a.organizations
    from auth_gateway.identities a where m.uai = ${uai} and a.uai = ${other}`
}

/** Returns the id of the oldest active session of a person. */
export async function sessionIdOf({ sql }: TestGateway, uai: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select id from auth_gateway.sessions where uai = ${uai} and ended_at is null order by started_at limit 1`
  if (!row) throw new Error(`${uai} has no session`)
  return row.id
}

/** Moves the start of a person's sessions into the past. */
export async function ageSessions({ sql }: TestGateway, uai: string, seconds: number): Promise<void> {
  await sql`
    update auth_gateway.sessions set started_at = started_at - make_interval(secs => ${seconds}) where uai = ${uai}`
}

/** Sets the sign-in from which a person's tokens come to so many seconds ago. */
export async function ageTokens({ sql }: TestGateway, uai: string, seconds: number): Promise<void> {
  await sql`
    update auth_gateway.token_families set authenticated_at = now() - make_interval(secs => ${seconds})
    where uai = ${uai}`
}

/** Moves the last step-up of a person into the past. */
export async function ageStepUp({ sql }: TestGateway, uai: string, seconds: number): Promise<void> {
  await sql`
    update auth_gateway.sessions set stepped_up_at = stepped_up_at - make_interval(secs => ${seconds})
    where uai = ${uai}`
}

/** Moves the codes that were sent into the past. */
export async function ageCodes({ sql }: TestGateway, seconds: number): Promise<void> {
  await sql`update auth_gateway.otp_challenges set issued_at = issued_at - make_interval(secs => ${seconds})`
}

/** Moves the forms that were shown into the past. */
export async function ageForms({ sql }: TestGateway, seconds: number): Promise<void> {
  await sql`update auth_gateway.form_states set expires_at = expires_at - make_interval(secs => ${seconds})`
}

/** Sets the status of an API key, without an event. */
export async function setKeyStatus({ sql }: TestGateway, id: string, status: string): Promise<void> {
  await sql`update auth_gateway.api_keys set status = ${status} where id = ${id}`
}

export async function expireKey({ sql }: TestGateway, id: string): Promise<void> {
  await sql`update auth_gateway.api_keys set expires_at = now() where id = ${id}`
}

/** Sets the status of an application, without an event. */
export async function setClientStatus({ sql }: TestGateway, clientId: string, status: string): Promise<void> {
  await sql`update auth_gateway.api_clients set status = ${status} where client_id = ${clientId}`
}

/** Deletes and archives what is due, as the scheduled job does. */
export async function runMaintenance({ sql }: TestGateway): Promise<void> {
  await sql`select auth_gateway.maintain(1000)`
}
