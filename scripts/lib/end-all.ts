import { end, session } from '../../shared/domain/session.ts'
import { revokeFamily, tokenFamily } from '../../shared/domain/token-family.ts'
import { act, type Owner } from './operator.ts'

const AT_ONCE = 100

type Open = { kind: 'session' | 'token_family'; id: string; uai: string }

/**
 * Ends every session, and the tokens of every application that acts for a person.
 * @returns how many sessions there were
 */
export async function endAll({ gateway, sql }: Owner, why: string): Promise<number> {
  let sessions = 0
  for (;;) {
    const open = await sql<Open[]>`
      (select 'session' as kind, s.id, s.uai from auth_gateway.sessions s
        where s.ended_at is null and s.expires_at > now() order by s.id limit ${AT_ONCE})
      union all
      (select 'token_family', f.id, f.uai from auth_gateway.token_families f
        where f.kind in ('authorization', 'session') and f.revoked_at is null and f.expires_at > now() order by f.id limit ${AT_ONCE})`
    if (open.length === 0) return sessions
    await act(gateway, async (work) => {
      for (const { kind, id, uai } of open)
        if (kind === 'session') {
          const stream = await work.load(session, id, { subject: uai })
          stream.decide((state) => end(state, 'revoked', why))
        } else {
          const stream = await work.load(tokenFamily, id, { subject: uai })
          stream.decide((state) => revokeFamily(state, 'operator', why))
        }
    })
    sessions += open.filter(({ kind }) => kind === 'session').length
  }
}
