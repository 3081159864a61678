import { uuidv7 } from 'uuidv7'
import type { Call } from '../call.ts'
import { type Notice, sendNotice } from '../delivery/send-notice.ts'
import type { Person } from '../queries/person.ts'
import { masked } from './code-address.ts'

/**
 * Notifies a person by e-mail, in the background, that their factors have changed.
 * @param what the item added or removed: the name of an external account, or an address, which is masked
 */
export function notifyFactorChange(call: Call, person: Person, kind: Notice['kind'], what?: string): void {
  if (!person.email || !person.emailVerified) return
  const shown = what && /[@+]/.test(what) ? { key_preview: masked(what) } : { key_name: what }
  const notice = { id: uuidv7(), kind, person, path: '/account', ...shown }
  call.later(sendNotice(call, notice))
}
