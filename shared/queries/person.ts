import type postgres from 'postgres'
import type { Personal } from '../personal.ts'

/** Joins the person a UAI resolves to as `i`, also after merges; `i.*` is a `PersonRow`. */
export const joinPerson = (sql: postgres.Sql, uai: postgres.PendingQuery<postgres.Row[]>) => sql`
  left join auth_gateway.identities own on own.uai = ${uai}
  left join auth_gateway.person_facts i on i.uai = own.canonical_uai`

/** A row of `person_facts`, or its JSON: then times are ISO 8601. The key is base64. */
export type PersonRow = {
  uai: string
  identity_status: string
  role: string
  plan: string
  organization_id: string
  locale: string | null
  name: string | null
  email: string | null
  email_verified: boolean
  members: string[]
  organizations: string[]
  standing: number
  identity_created_at: Date | string
  wrapped_key: Uint8Array | string | null
}

/** A session as `session_facts` has it; in JSON times are ISO 8601. */
export type SessionRow = {
  session_id: string
  opened_from: string | null
  platform: string
  project_scope: string
  method: string
  amr: string[]
  acr: string
  authenticated_at: Date | string
  stepped_up_at: Date | string | null
  recovered_at: Date | string | null
  session_expires_at: Date | string
  session_version: number
  session_origin: string | null
  weakened_at: Date | string | null
  session_live: boolean
  session_activity_stale: boolean
}

export type Person = {
  uai: string
  /** The pairwise identifier for the bearer of a token, if not the UAI. */
  alias?: string
  active: boolean
  role: string
  plan: string
  organizationId: string
  /** Every UAI that resolves to this person, this one included, and the organizations of them. */
  members: string[]
  organizations: string[]
  /** Counts changes of the person's rights or administrators. */
  standing: number
  locale?: string
  name?: string
  email: string
  emailVerified: boolean
  createdAt: Date
  wrappedKey: Uint8Array | null
}

export type SessionFacts = {
  id: string
  openedFrom?: string
  platform: string
  projectScope: string
  method: string
  amr: string[]
  acr: string
  authenticatedAt: Date
  /** When the person last gave a code of their authenticator app in this session, and a recovery code. */
  steppedUpAt?: Date
  recoveredAt?: Date
  /** When a factor was removed that had raised the assurance. */
  weakenedAt?: Date
  expiresAt: Date
  /** The sealed address and user agent that the session began with. */
  origin?: string
  live: boolean
  /** Last activity is some minutes old and due for an update. */
  activityStale: boolean
}

const SEALED = Symbol('sealed')
type Sealed = { [SEALED]: { personal: Personal; row: PersonRow } }

/** Decrypts a column on access: most requests need neither address nor name. */
const opened = (column: 'name' | 'email', otherwise?: string): PropertyDescriptor => ({
  enumerable: true,
  get(this: Sealed) {
    const { personal, row } = this[SEALED]
    const { uai, wrapped_key: key, [column]: sealed } = row
    // A person who removes their name leaves an empty one.
    return (key && sealed && personal.openWrapped(uai, key, sealed)) || otherwise
  },
})
// Shared getters: with own functions, each person would get a hidden class and stay in memory until a full garbage collection.
const OPENED = { name: opened('name'), email: opened('email', '') }

/** Converts a row to a person. */
export function toPerson(personal: Personal, row: PersonRow): Person {
  const { wrapped_key: key } = row
  const person: Omit<Person, 'name' | 'email'> & Sealed = {
    [SEALED]: { personal, row },
    uai: row.uai,
    active: row.identity_status === 'active',
    role: row.role,
    plan: row.plan,
    organizationId: row.organization_id,
    members: row.members,
    organizations: row.organizations,
    standing: row.standing,
    locale: row.locale ?? undefined,
    emailVerified: row.email_verified,
    createdAt: new Date(row.identity_created_at),
    wrappedKey: typeof key === 'string' ? Buffer.from(key, 'base64') : key,
  }
  return Object.defineProperties(person as typeof person & Person, OPENED)
}

export function toSession(row: SessionRow): SessionFacts {
  return {
    id: row.session_id,
    openedFrom: row.opened_from ?? undefined,
    platform: row.platform,
    projectScope: row.project_scope,
    method: row.method,
    amr: row.amr,
    acr: row.acr,
    authenticatedAt: new Date(row.authenticated_at),
    steppedUpAt: row.stepped_up_at === null ? undefined : new Date(row.stepped_up_at),
    recoveredAt: row.recovered_at === null ? undefined : new Date(row.recovered_at),
    weakenedAt: row.weakened_at === null ? undefined : new Date(row.weakened_at),
    expiresAt: new Date(row.session_expires_at),
    origin: row.session_origin ?? undefined,
    live: row.session_live,
    activityStale: row.session_activity_stale,
  }
}
