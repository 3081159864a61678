import type postgres from 'postgres'
import type { OperatorCode } from '../domain/operator-code.ts'
import type { RecoveryCodes } from '../domain/recovery-codes.ts'
import type { TotpAuthenticator } from '../domain/totp-authenticator.ts'
import type { RateLimit } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import { type PasskeyRecord, type PasskeyRow, toPasskey } from './passkeys.ts'
import type { Person } from './person.ts'
import { waitColumn } from './rate-limits.ts'

/** A stream in its read model. */
export type Recorded<S> = { id: string; uai: string; version: number; wrappedKey: Uint8Array | null; state: S }

type Active<S> = Extract<S, { uai: string }>
export type TotpRecord = Recorded<Active<TotpAuthenticator>> & {
  /** Base32; undefined once the person is erased. */
  secret?: string
  enrolledAt: Date
  lastUsedAt: Date
}
export type RecoveryRecord = Recorded<Active<RecoveryCodes>> & { issuedAt: Date }
export type OperatorCodeRecord = Recorded<Active<OperatorCode>>

export type Factors = {
  authenticators: TotpRecord[]
  passkeys: PasskeyRecord[]
  recoveryCodes: RecoveryRecord[]
  /** Whole, unused, not expired, and issued since the person's standing last changed. */
  operatorCodes: OperatorCodeRecord[]
  /** Seconds until the limits are open. */
  wait: number
}

/** The number of unused recovery codes. */
export const recoveryCodesLeft = ({ recoveryCodes }: Pick<Factors, 'recoveryCodes'>) =>
  recoveryCodes.reduce((sum, { state }) => sum + state.codeHashes.length, 0)

type Common = { id: string; uai: string; version: number; key: string | null }
type Row = {
  authenticators: (Common & {
    last_step: number
    failures: Active<TotpAuthenticator>['failures']
    sealed: string | null
    enrolled_at: string
    last_used_at: string
  })[]
  passkeys: PasskeyRow[]
  recovery_codes: (Common & { code_hashes: string[]; issued_at: string })[]
  operator_codes: (Common & {
    operator: string
    standing: number
    part_hashes: string[]
    attempts: number
    expires_at: string
  })[]
  wait: number
}

/** Kinds of codes that are compared with what a person presents. */
export type CodeFactors = Pick<Factors, 'authenticators' | 'recoveryCodes' | 'operatorCodes'>

/** The factors of a person that need no message, oldest first. One statement. */
export async function listFactors(
  sql: postgres.Sql,
  personal: Personal,
  { members }: Pick<Person, 'members'>,
  limits: RateLimit[] = [],
): Promise<Factors> {
  const key = sql`(select encode(k.wrapped_key, 'base64') from auth_gateway.subject_keys k where k.subject = x.uai) as key`
  const [row] = await sql<Row[]>`
    select ${waitColumn(sql, limits)},
      (select coalesce(json_agg(a order by a.id), '[]') from (
        select x.*, encode(s.sealed, 'base64') as sealed, ${key} from auth_gateway.totp_authenticators x
        left join auth_gateway.event_secrets s on s.event_id = x.secret_event and s.name = 'totp_secret'
        where x.uai = any (${members}) and x.secret_event is not null) a) as authenticators,
      (select coalesce(json_agg(p order by p.id), '[]') from (
        select x.*, ${key} from auth_gateway.passkeys x where x.uai = any (${members}) and x.sealed is not null) p) as passkeys,
      (select coalesce(json_agg(r order by r.id), '[]') from (
        select x.*, ${key} from auth_gateway.recovery_codes x where x.uai = any (${members}) and not x.replaced) r) as recovery_codes,
      (select coalesce(json_agg(o order by o.id), '[]') from (
        select x.*, ${key} from auth_gateway.operator_codes x
        join auth_gateway.identities i on i.uai = x.uai and i.canonical_uai = i.uai and i.standing = x.standing
        where x.uai = any (${members}) and x.status = 'ready' and x.expires_at > now()) o) as operator_codes`
  if (!row) throw new Error('lookup returned no row')
  return {
    wait: row.wait,
    authenticators: row.authenticators.map((one) => ({
      ...recorded(one, { status: 'active', uai: one.uai, lastStep: one.last_step, failures: one.failures }),
      secret: personal.opener(one.uai, one.key)(one.sealed),
      enrolledAt: new Date(one.enrolled_at),
      lastUsedAt: new Date(one.last_used_at),
    })),
    passkeys: row.passkeys.map((one) => toPasskey(personal, one)),
    recoveryCodes: row.recovery_codes.map((one) => ({
      ...recorded(one, { status: 'issued', uai: one.uai, codeHashes: one.code_hashes }),
      issuedAt: new Date(one.issued_at),
    })),
    operatorCodes: row.operator_codes.map((one) => {
      const { uai, operator, standing, part_hashes: partHashes, attempts } = one
      const expiresAt = new Date(one.expires_at)
      return recorded(one, { status: 'ready', uai, operator, standing, partHashes, attempts, expiresAt })
    }),
  }
}

/**
 * Whether the person has an authenticator app, or a passkey that is accepted: then a mailbox alone cannot change their sign-in methods. One
 * statement.
 */
export async function hasAuthenticator(sql: postgres.Sql, { members }: Pick<Person, 'members'>): Promise<boolean> {
  const [row] = await sql<{ has: boolean }[]>`
    select exists (select from auth_gateway.totp_authenticators t where t.uai = any (${members}) and t.secret_event is not null)
      or exists (select from auth_gateway.passkeys p where p.uai = any (${members}) and p.sealed is not null and p.regressed_at is null)
      as has`
  return row?.has ?? false
}

function recorded<S>({ id, uai, version, key }: Common, state: S): Recorded<S> {
  return { id, uai, version, wrappedKey: key === null ? null : Buffer.from(key, 'base64'), state }
}
