import type { Call } from '../call.ts'
import { type Notice, sendNoticeAfter } from '../delivery/send-notice.ts'
import type { Work } from '../events/commit.ts'
import { newId } from '../ids.ts'
import type { Person } from '../queries/person.ts'
import { masked } from './code-address.ts'

/**
 * Notifies a person by e-mail that a unit of work changes their factors: queued in it, sent in the background after the commit.
 * @param what the item added or removed: the name of an external account, or an address, which is masked
 */
export function notifyFactorChange(
  call: Call,
  work: Work,
  { person, kind, what }: { person: Person; kind: Notice['kind']; what?: string },
): void {
  if (!person.email || !person.emailVerified) return
  const shown = what && /[@+]/.test(what) ? { key_preview: masked(what) } : { key_name: what }
  sendNoticeAfter(call, work, { id: newId(), kind, person, path: '/account', ...shown })
}
