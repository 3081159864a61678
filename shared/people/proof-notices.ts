import { uuidv7 } from 'uuidv7'
import type { Call } from '../call.ts'
import { type Notice, sendNotice } from '../delivery/send-notice.ts'
import type { Person } from '../queries/person.ts'
import { masked } from './code-address.ts'

/**
 * Tells a person by mail that what they prove themselves by has changed; nobody waits for it.
 * @param what was added or removed: the name of an account elsewhere, or an address, which is masked
 */
export function tellOfProofs(call: Call, person: Person, kind: Notice['kind'], what?: string): void {
  if (!person.email || !person.emailVerified) return
  const shown = what && /[@+]/.test(what) ? { key_preview: masked(what) } : { key_name: what }
  const notice = { id: uuidv7(), kind, person, path: '/account', ...shown }
  call.later(sendNotice(call, notice))
}
