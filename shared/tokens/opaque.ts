import { hash, randomBytes } from 'node:crypto'

const ID_BYTES = 16

/** Random bytes after the stream id, for the token lengths of docs/wire-contract.md 3.2 (64 and 86 characters). */
export const CODE_SECRET_BYTES = 32
export const REFRESH_SECRET_BYTES = 48
export const TOKEN_ID_SECRET_BYTES = 12

/**
 * Creates an opaque token: base64url of its stream id and random bytes, so that its stream is looked up by primary key. Only the
 * random part (256 bits or more) is secret.
 */
export function newOpaqueToken(streamId: string, secretBytes: number): { token: string; hash: string } {
  const token = Buffer.concat([uuidToBytes(streamId), randomBytes(secretBytes)]).toString('base64url')
  return { token, hash: hashToken(token) }
}

/** Returns the stream id in an opaque token; undefined unless it has our format with that many secret bytes. */
export function streamOfToken(token: string, secretBytes: number): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) return undefined
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length !== ID_BYTES + secretBytes || bytes.toString('base64url') !== token) return undefined
  return bytesToUuid(bytes.subarray(0, ID_BYTES))
}

/** Lower-case hex SHA-256, the stored form of every high-entropy token. */
export function hashToken(token: string): string {
  return hash('sha256', token)
}

export function uuidToBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex')
}

export function bytesToUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
