import { createHash } from 'node:crypto'
import type postgres from 'postgres'
import { createPersonal, type Personal } from '../../shared/personal.ts'
import type { KeyRing } from '../../shared/tokens/key-ring.ts'
import { emailLookup } from '../../shared/typed/email.ts'
import type { Report } from './findings.ts'

const BATCH = 2000

type Row = { subject: string; wrapped_key: Uint8Array; stream_type: string | null; position: string | null }
type AddressRow = { uai: string; kind: string; address: string; wrapped_key: Uint8Array; position: string }

/** Checks that every subject is sealed under the key ring of the database, and that no two identities have the same address. */
export async function verifyPeople(sql: postgres.TransactionSql, report: Report, ring?: KeyRing): Promise<void> {
  if (!ring) return
  const own = createPersonal(ring)
  await verifySubjects(sql, report, own)
  await verifyAddresses(sql, report, own)
}

async function verifySubjects(sql: postgres.TransactionSql, report: Report, own: Personal): Promise<void> {
  const rows = sql<Row[]>`
    select k.subject, k.wrapped_key, e.stream_type, e.position::text
    from auth_gateway.subject_keys k
    left join auth_gateway.event_store e on e.stream_id = k.subject and e.version = 1 and e.subject = k.subject
    order by k.subject`.cursor(BATCH)
  for await (const batch of rows)
    for (const { subject, wrapped_key, stream_type, position } of batch)
      if (!opened(() => own.unwrap(subject, wrapped_key)))
        report({ fault: 'key_foreign', table: 'subject_keys', stream_id: subject, stream_type, position })
}

/** Checks verified addresses only: others do not identify anyone. */
async function verifyAddresses(sql: postgres.TransactionSql, report: Report, own: Personal): Promise<void> {
  const holders = new Map<string, string>()
  const rows = sql<AddressRow[]>`
    select c.uai, c.kind, c.address, k.wrapped_key, e.position::text
    from auth_gateway.credentials c
    join auth_gateway.subject_keys k on k.subject = c.uai
    join auth_gateway.event_store e on e.stream_type = 'identity' and e.stream_id = c.uai and e.version = 1
    where c.kind in ('email', 'phone') and c.digest is not null and c.address is not null order by c.uai, c.id`.cursor(
    BATCH,
  )
  for await (const batch of rows)
    for (const { uai, kind, address, wrapped_key, position } of batch) {
      const text = opened(() => own.open(uai, own.unwrap(uai, wrapped_key), address))
      if (text === undefined) continue
      const name = createHash('sha256')
        .update(`${kind} ${emailLookup(text)}`)
        .digest('base64')
      const holder = holders.get(name) ?? uai
      holders.set(name, holder)
      if (holder !== uai)
        report({
          ...{ fault: 'address_twice', stream_type: 'identity', stream_id: uai, position },
          detail: `the other is ${holder}`,
        })
    }
}

function opened<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch {
    return undefined
  }
}
