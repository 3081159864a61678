import { Buffer } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'

/** Compares two strings of public length in constant time. */
export function equalHash(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
