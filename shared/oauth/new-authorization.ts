import { uuidv7 } from 'uuidv7'
import { CODE_SECRET_BYTES, newOpaqueToken } from '../tokens/opaque.ts'

/** The id of a new authorization and the code that goes with it (64 characters, 256 random bits). */
export function newAuthorization(): { id: string; code: { token: string; hash: string } } {
  const id = uuidv7()
  return { id, code: newOpaqueToken(id, CODE_SECRET_BYTES) }
}
