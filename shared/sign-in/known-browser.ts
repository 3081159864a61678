import type { Call } from '../call.ts'
import { readKnownBrowser } from '../http/cookies.ts'
import { findKnownBrowser } from '../queries/known-browsers.ts'
import { bytesToUuid, uuidToBytes } from '../tokens/opaque.ts'

const SEALED_FOR = 'lanonasis_known'
/** Maximum number of people per browser. */
const MOST_PEOPLE = 5
const PERSON_BYTES = 8
const ENTRY_BYTES = PERSON_BYTES + 16

/** Returns the newest session of each person who signed in with this browser, newest first, each after a keyed digest of the person. */
function readEntries(call: Call): Buffer[] {
  const sealed = readKnownBrowser(call)
  if (!sealed || sealed.length > 400) return []
  try {
    const bytes = call.gateway.ring.open('known-browser', Buffer.from(sealed, 'base64url'), SEALED_FOR)
    const count = Math.floor(bytes.length / ENTRY_BYTES)
    return Array.from({ length: count }, (_, at) => bytes.subarray(at * ENTRY_BYTES, (at + 1) * ENTRY_BYTES))
  } catch {
    return []
  }
}

/**
 * Returns the sessions of this browser. They grant no access: they only exempt it from the limits that strangers can fill, and only
 * while none was ended from elsewhere.
 */
export function sessionsOfBrowser(call: Call): string[] {
  return readEntries(call).map((entry) => bytesToUuid(entry.subarray(PERSON_BYTES)))
}

/** Returns the cookie that makes this browser known to the person who has just signed in. */
export function rememberBrowser(call: Call, signedIn: { uai: string; sessionId: string }): string {
  const person = call.gateway.personal.digest(`known-browser ${signedIn.uai}`).subarray(0, PERSON_BYTES)
  const others = readEntries(call).filter((entry) => !entry.subarray(0, PERSON_BYTES).equals(person))
  const entries = [Buffer.concat([person, uuidToBytes(signedIn.sessionId)]), ...others].slice(0, MOST_PEOPLE)
  return call.gateway.ring.seal('known-browser', Buffer.concat(entries), SEALED_FOR).toString('base64url')
}

/** Returns the session that makes this browser known to the person of an address, if any. */
export async function knownBrowserOf(call: Call, lookup: string): Promise<string | undefined> {
  const sessions = sessionsOfBrowser(call)
  if (sessions.length === 0) return undefined
  return findKnownBrowser(call.gateway.reads, call.gateway.personal.digest(lookup), sessions)
}
