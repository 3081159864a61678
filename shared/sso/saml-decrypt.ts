import { constants, createDecipheriv, createHash, privateDecrypt, timingSafeEqual } from 'node:crypto'
import { attributeOf, descendants, fail, NS, one, optional, textOf } from './saml-xml.ts'

const XMLENC = 'http://www.w3.org/2001/04/xmlenc#'
const XMLENC11 = 'http://www.w3.org/2009/xmlenc11#'

/** Key bits and mode of operation. Entra and ADFS use CBC; its content is signed. */
const BLOCK: Record<string, [bits: 128 | 192 | 256, mode: 'cbc' | 'gcm']> = {
  [`${XMLENC}aes128-cbc`]: [128, 'cbc'],
  [`${XMLENC}aes192-cbc`]: [192, 'cbc'],
  [`${XMLENC}aes256-cbc`]: [256, 'cbc'],
  [`${XMLENC11}aes128-gcm`]: [128, 'gcm'],
  [`${XMLENC11}aes192-gcm`]: [192, 'gcm'],
  [`${XMLENC11}aes256-gcm`]: [256, 'gcm'],
}
const HASHES: Record<string, string> = {
  'http://www.w3.org/2000/09/xmldsig#sha1': 'sha1',
  [`${XMLENC}sha256`]: 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  [`${XMLENC}sha512`]: 'sha512',
}
const MASKS: Record<string, string> = Object.fromEntries(
  ['sha1', 'sha256', 'sha384', 'sha512'].map((hash) => [`${XMLENC11}mgf1${hash}`, hash]),
)

const bytesOf = (element: Element) =>
  Buffer.from(textOf(one(one(element, NS.encryption, 'CipherData'), NS.encryption, 'CipherValue')) ?? '', 'base64')

function mask(seed: Buffer, length: number, hash: string): Buffer {
  const blocks: Buffer[] = []
  for (let made = 0, counter = 0; made < length; counter++) {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(counter)
    const block = createHash(hash).update(seed).update(number).digest()
    blocks.push(block)
    made += block.length
  }
  return Buffer.concat(blocks).subarray(0, length)
}

const xor = (left: Buffer, right: Buffer) => Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)))

/**
 * Removes the OAEP padding (RFC 8017 section 7.1.2). Node's own uses one hash for both, while XML Encryption names two.
 * @throws Error, the same for every problem
 */
function withoutPadding(message: Buffer, hash: string, maskHash: string, label: Buffer): Buffer {
  const labelHash = createHash(hash).update(label).digest()
  const size = labelHash.length
  const maskedSeed = message.subarray(1, 1 + size)
  const maskedBlock = message.subarray(1 + size)
  const seed = xor(maskedSeed, mask(maskedBlock, size, maskHash))
  const block = xor(maskedBlock, mask(seed, maskedBlock.length, maskHash))
  const end = block.indexOf(1, size)
  const isPadded = block.subarray(size, Math.max(size, end)).every((byte) => byte === 0)
  const isOurs = timingSafeEqual(block.subarray(0, size), labelHash)
  if (message[0] !== 0 || end < 0 || !isPadded || !isOurs) throw new Error('padding')
  return block.subarray(end + 1)
}

/** Decrypts the content key with each of our keys. Only RSA-OAEP is supported: PKCS #1 v1.5 allows padding-oracle attacks. */
function* contentKeys(encryptedKey: Element, privateKeys: string[]): Iterable<Buffer> {
  const method = one(encryptedKey, NS.encryption, 'EncryptionMethod')
  const algorithm = attributeOf(method, 'Algorithm') ?? ''
  if (algorithm !== `${XMLENC}rsa-oaep-mgf1p` && algorithm !== `${XMLENC11}rsa-oaep`)
    fail(`has a key that is encrypted with "${algorithm.slice(0, 100)}"`)
  const digest = attributeOf(optional(method, NS.signature, 'DigestMethod'), 'Algorithm')
  const generator = attributeOf(optional(method, NS.encryption11, 'MGF'), 'Algorithm')
  const hash = digest === undefined ? 'sha1' : HASHES[digest]
  const maskHash = algorithm.endsWith('mgf1p') || generator === undefined ? 'sha1' : MASKS[generator]
  if (!hash || !maskHash) return fail('has a key that is encrypted with an unknown hash')
  const label = Buffer.from(textOf(optional(method, NS.encryption, 'OAEPparams')) ?? '', 'base64')
  for (const key of privateKeys)
    try {
      const message = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, bytesOf(encryptedKey))
      yield withoutPadding(message, hash, maskHash, label)
    } catch {
      // Encrypted for another key.
    }
}

function decryptBytes([bits, mode]: [128 | 192 | 256, 'cbc' | 'gcm'], key: Buffer, data: Buffer): Buffer {
  if (mode === 'gcm') {
    const decipher = createDecipheriv(`aes-${bits}-gcm`, key, data.subarray(0, 12), { authTagLength: 16 })
    decipher.setAuthTag(data.subarray(-16))
    return Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()])
  }
  const decipher = createDecipheriv(`aes-${bits}-cbc`, key, data.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(data.subarray(16)), decipher.final()])
  // Only the last byte of the padding has a meaning (XML Encryption section 5.2.1).
  const padding = padded.at(-1) ?? 0
  if (padding < 1 || padding > 16) throw new Error('padding')
  return padded.subarray(0, -padding)
}

/**
 * Decrypts an `EncryptedAssertion` with any of our keys and returns its XML.
 * @param privateKeys PEM
 * @throws SamlError, the same for every decryption failure
 * @see XML Encryption 1.1 sections 5.2 and 5.5, SAML Core section 2.3.4
 */
export function decryptElement(encrypted: Element, privateKeys: string[]): string {
  if (privateKeys.length === 0) fail('is encrypted, and this connection has no key')
  const data = one(encrypted, NS.encryption, 'EncryptedData')
  const algorithm = attributeOf(one(data, NS.encryption, 'EncryptionMethod'), 'Algorithm') ?? ''
  const method = BLOCK[algorithm] ?? fail(`is encrypted with "${algorithm.slice(0, 100)}"`)
  // The key is inside the data or next to it.
  for (const encryptedKey of descendants(encrypted, NS.encryption, 'EncryptedKey'))
    for (const key of contentKeys(encryptedKey, privateKeys))
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(decryptBytes(method, key, bytesOf(data)))
      } catch {
        // The wrong key.
      }
  return fail('cannot be decrypted')
}
