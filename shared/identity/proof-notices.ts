import { uuidv7 } from 'uuidv7'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import type { Person } from '../queries/person.ts'
import { type Notice, sendNotice } from './send-notice.ts'

/**
 * Tells a person by mail that what they prove themselves by has changed; nobody waits for it.
 * @param key_name what was added or removed
 */
export function tellOfProofs(
  gateway: Gateway,
  c: AppContext,
  person: Person,
  kind: Notice['kind'],
  key_name?: string,
): void {
  if (!person.email || !person.emailVerified) return
  const notice = { id: uuidv7(), kind, person, path: '/account', key_name }
  c.get('waitUntil')(sendNotice(gateway, commitContext(gateway, c), notice))
}
