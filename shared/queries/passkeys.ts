import type postgres from 'postgres'
import type { Passkey } from '../domain/passkey.ts'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn } from './api-clients.ts'
import { joinPerson, type Person, type PersonRow, toPerson } from './person.ts'

/** A passkey in its read model. Name, credential id and public key are undefined once the person is erased. */
export type PasskeyRecord = {
  id: string
  uai: string
  version: number
  wrappedKey: Uint8Array | null
  state: Extract<Passkey, { status: 'active' }>
  name?: string
  /** Base64url. */
  credentialId?: string
  /** Base64url of the COSE key. */
  publicKey?: string
  aaguid: string
  transports: string[]
  backedUp: boolean
  registeredAt: Date
  lastUsedAt?: Date
}

/** A row of `passkeys` as JSON, with the wrapped data key of its person in base64. */
export type PasskeyRow = {
  id: string
  uai: string
  version: number
  key: string | null
  aaguid: string
  transports: string[]
  backup_eligible: boolean
  backed_up: boolean
  sign_count: number
  sealed: Record<string, string>
  registered_at: string
  last_used_at: string | null
  regressed_at: string | null
}

export function toPasskey(personal: Personal, row: PasskeyRow): PasskeyRecord {
  const { id, uai, version, key, aaguid, transports, sealed } = row
  const open = personal.opener(uai, key)
  return {
    ...{ id, uai, version, aaguid, transports },
    wrappedKey: key === null ? null : Buffer.from(key, 'base64'),
    state: {
      status: 'active',
      uai,
      backupEligible: row.backup_eligible,
      signCount: row.sign_count,
      regressed: row.regressed_at !== null,
    },
    name: open(sealed.name),
    credentialId: open(sealed.credentialId),
    publicKey: open(sealed.publicKey),
    backedUp: row.backed_up,
    registeredAt: new Date(row.registered_at),
    lastUsedAt: row.last_used_at === null ? undefined : new Date(row.last_used_at),
  }
}

type Found = {
  passkey: PasskeyRecord
  person: Person
  /** The client that a sign-in is for, and the default resources. */
  client?: Client
  resources: string[]
}

/** The passkey with a credential id, given as keyed digest, and its person. One statement. */
export async function findPasskey(
  sql: postgres.Sql,
  personal: Personal,
  { digest, clientId }: { digest: Uint8Array; clientId?: string },
): Promise<Found | undefined> {
  const [row] = await sql<(PersonRow & { passkey: PasskeyRow; client: Client | null; resources: string[] })[]>`
    select i.*, ${clientColumn(sql, clientId)},
      to_jsonb(p) || jsonb_build_object('key',
        (select encode(k.wrapped_key, 'base64') from auth_gateway.subject_keys k where k.subject = p.uai)) as passkey,
      array(select r.identifier from auth_gateway.protected_resources r where r.is_default) as resources
    from auth_gateway.passkeys p ${joinPerson(sql, sql`p.uai`)}
    where p.digest = ${Buffer.from(digest)}`
  if (!row?.uai) return undefined
  const { passkey, client, resources } = row
  return {
    passkey: toPasskey(personal, passkey),
    person: toPerson(personal, row),
    client: client ?? undefined,
    resources,
  }
}

/** Whether a person may be offered a passkey: they have no authenticator yet, and have not declined for good. One statement. */
export async function mayOfferPasskey(
  sql: postgres.Sql,
  { uai, members }: Pick<Person, 'uai' | 'members'>,
): Promise<boolean> {
  const [row] = await sql<{ offered: boolean }[]>`
    select not i.passkey_offer_declined
      and not exists (select from auth_gateway.passkeys p where p.uai = any (${members}) and p.sealed is not null)
      and not exists (select from auth_gateway.totp_authenticators t where t.uai = any (${members}) and t.secret_event is not null)
      as offered
    from auth_gateway.identities i where i.uai = ${uai}`
  return row?.offered ?? false
}
