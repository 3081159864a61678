import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import { createPersonal } from '../../shared/personal.ts'
import { keyDerivation } from '../../shared/tokens/derived-key.ts'
import { createKeyRing, firstKeys } from '../../shared/tokens/key-ring.ts'
import {
  bytesToUuid,
  CODE_SECRET_BYTES,
  hashToken,
  newOpaqueToken,
  REFRESH_SECRET_BYTES,
  streamOfToken,
  TOKEN_ID_SECRET_BYTES,
  uuidToBytes,
} from '../../shared/tokens/opaque.ts'
import { createRefreshTokens } from '../../shared/tokens/refresh-token.ts'
import { openBytes, sealBytes } from '../../shared/tokens/sealed.ts'

const STREAM = '0195d000-0000-7000-8000-00000000abcd'
const OTHER = '0195d000-0000-7000-8000-00000000abce'

/** Every string that differs from the token in one character. */
function* changedOnce(token: string): Generator<string> {
  for (let index = 0; index < token.length; index++)
    yield token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1)
}

describe('opaque tokens', () => {
  test.each([
    [CODE_SECRET_BYTES, 64],
    [REFRESH_SECRET_BYTES, 86],
    [TOKEN_ID_SECRET_BYTES, 38],
  ])('%i random bytes make a token of %i characters that tells its stream', (bytes, characters) => {
    const { token, hash } = newOpaqueToken(STREAM, bytes)
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(token).toHaveLength(characters)
    expect(hash).toBe(hashToken(token))
    expect(streamOfToken(token, bytes)).toBe(STREAM)
    expect(newOpaqueToken(STREAM, bytes).token).not.toBe(token)
  })

  test('the hash is SHA-256 in lower-case hex', () => {
    expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test('undefined: another length, another alphabet, padding, white space, or loose trailing bits', () => {
    const { token } = newOpaqueToken(STREAM, REFRESH_SECRET_BYTES)
    const bad = ['', token.slice(1), `${token}A`, `${token}==`, ` ${token}`, `${token}\n`, `+${token.slice(1)}`, 'ä']
    for (const one of bad) expect(streamOfToken(one, REFRESH_SECRET_BYTES)).toBeUndefined()
    expect(streamOfToken(token, CODE_SECRET_BYTES)).toBeUndefined()
    const twins = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
      .map((last) => token.slice(0, -1) + last)
      .filter(
        (one) =>
          streamOfToken(one, REFRESH_SECRET_BYTES) &&
          Buffer.from(one, 'base64url').equals(Buffer.from(token, 'base64url')),
      )
    expect(twins).toEqual([token])
  })

  test('undefined, never an error: any text whatever', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (text) => {
        streamOfToken(text, CODE_SECRET_BYTES)
        streamOfToken(text, REFRESH_SECRET_BYTES)
      }),
    )
  })

  test('a uuid survives the way to bytes and back', () => {
    fc.assert(fc.property(fc.uuid(), (uuid) => bytesToUuid(uuidToBytes(uuid)) === uuid))
  })

  test.each<[boolean, string, string]>([
    [true, 'abc', 'abc'],
    [true, '', ''],
    [false, 'abc', 'abd'],
    [false, 'abc', 'abcd'],
    [false, 'abc', ''],
    [false, 'ä', 'a'],
  ])('%s: %j equals %j', (expected, a, b) => {
    expect(equalHash(a, b)).toBe(expected)
  })
})

describe('refresh tokens', () => {
  const tokens = createRefreshTokens(createKeyRing(firstKeys(), () => new Date()))

  test.each([0, 1, 65_536, 4_294_967_295])('genuine: family and generation %i come back', (generation) => {
    const { token, hash } = tokens.issue(STREAM, generation)
    expect(token).toHaveLength(86)
    expect(tokens.parse(token)).toEqual({ familyId: STREAM, generation, hash })
  })

  test('undefined: one character changed, anywhere', () => {
    const { token } = tokens.issue(STREAM, 3)
    for (const forged of changedOnce(token)) expect(tokens.parse(forged)).toBeUndefined()
  })

  test('undefined: made under another key', () => {
    expect(
      createRefreshTokens(createKeyRing(firstKeys(), () => new Date())).parse(tokens.issue(STREAM, 0).token),
    ).toBeUndefined()
  })

  test('undefined, never an error: any text whatever', () => {
    for (const text of ['', 'A'.repeat(86), `${tokens.issue(STREAM, 0).token}=`, 'a.b.c'])
      expect(tokens.parse(text)).toBeUndefined()
    fc.assert(fc.property(fc.base64String({ maxLength: 120 }), (text) => tokens.parse(text) === undefined))
  })

  test('no two tokens of a generation are alike', () => {
    expect(tokens.issue(STREAM, 0).token).not.toBe(tokens.issue(STREAM, 0).token)
  })
})

describe('sealed bytes', () => {
  const key = randomBytes(32)

  test('opens what was sealed under the same key and context, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 40 }), (bytes, context) =>
        openBytes(key, sealBytes(key, bytes, context), context).equals(bytes),
      ),
    )
  })

  test('throws: another key, another context, a changed, missing or added byte', () => {
    const sealed = sealBytes(key, Buffer.from('secret'), 'one')
    expect(() => openBytes(randomBytes(32), sealed, 'one')).toThrow()
    expect(() => openBytes(key, sealed, 'two')).toThrow()
    expect(() => openBytes(key, sealed.subarray(2), 'one')).toThrow()
    expect(() => openBytes(key, Buffer.concat([sealed, Buffer.alloc(1)]), 'one')).toThrow()
    expect(() => openBytes(key, Buffer.alloc(0), 'one')).toThrow()
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed)
      changed[index] = (changed[index] ?? 0) ^ 1
      expect(() => openBytes(key, changed, 'one')).toThrow()
    }
  })

  test('opens values from before they had a version, also one that begins with the byte of a version', () => {
    const sealed = Array.from({ length: 2000 }, () => sealBytes(key, Buffer.from('secret'), 'one').subarray(1))
    expect(sealed.some(([first]) => first === 1)).toBe(true)
    expect(new Set(sealed.map((one) => openBytes(key, one, 'one').toString()))).toEqual(new Set(['secret']))
  })

  test('the same text sealed twice looks different', () => {
    expect(sealBytes(key, Buffer.from('x'), 'c').equals(sealBytes(key, Buffer.from('x'), 'c'))).toBe(false)
  })
})

describe('derived keys', () => {
  const derive = keyDerivation(Buffer.alloc(32, 1))

  test('one key of 256 bits per purpose and master secret, the same each time', () => {
    expect(derive('a')).toHaveLength(32)
    expect(derive('a').equals(keyDerivation(Buffer.alloc(32, 1))('a'))).toBe(true)
    expect(derive('a').equals(derive('b'))).toBe(false)
    expect(derive('a').equals(keyDerivation(Buffer.alloc(32, 2))('a'))).toBe(false)
  })

  test('the derivation never changes: stored data depends on it', () => {
    expect(derive('lookup-digest').toString('hex')).toBe(
      'cb4fe075c094541b5f2aef0d01c422d7e7ce700201a9b05a253df825596c7350',
    )
  })
})

describe('personal data', () => {
  const ring = () => createKeyRing(firstKeys(), () => new Date())
  const personal = createPersonal(ring())

  test('sealed under the key of a subject, opened with that subject only', () => {
    const { key, wrapped } = personal.newKey(STREAM)
    const sealed = personal.seal(STREAM, key, 'ada@example.com')
    expect(sealed).not.toContain('ada')
    expect(personal.open(STREAM, personal.unwrap(STREAM, wrapped), sealed)).toBe('ada@example.com')
    expect(() => personal.open(OTHER, key, sealed)).toThrow()
    expect(() => personal.unwrap(OTHER, wrapped)).toThrow()
    expect(() => personal.open(STREAM, personal.newKey(STREAM).key, sealed)).toThrow()
  })

  test('what was opened is remembered for this subject, this stored key and this text alone', () => {
    const { key, wrapped } = personal.newKey(STREAM)
    const stored = wrapped.toString('base64')
    const sealed = personal.seal(STREAM, key, 'ada@example.com')
    for (const form of [stored, wrapped, stored])
      expect(personal.openWrapped(STREAM, form, sealed)).toBe('ada@example.com')
    const changed = personal.seal(STREAM, key, 'ada@example.org')
    expect(personal.openWrapped(STREAM, stored, changed)).toBe('ada@example.org')
    expect(() => personal.openWrapped(OTHER, stored, sealed)).toThrow()
    expect(() => personal.openWrapped(STREAM, personal.newKey(STREAM).wrapped, sealed)).toThrow()
  })

  test('wrapped keys are useless under another key ring', () => {
    const { wrapped } = personal.newKey(STREAM)
    expect(() => createPersonal(ring()).unwrap(STREAM, wrapped)).toThrow()
  })

  test('digests are equal for equal values and keyed by the key ring', () => {
    const other = createPersonal(ring())
    expect(personal.digest('a').equals(personal.digest('a'))).toBe(true)
    expect(personal.digest('a').equals(personal.digest('b'))).toBe(false)
    expect(personal.digest('a').equals(other.digest('a'))).toBe(false)
    expect(personal.digest('a')).toHaveLength(32)
  })
})
