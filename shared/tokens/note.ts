import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** The bytes before the seed in a PKCS #8 Ed25519 key (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** The algorithm byte of Ed25519 in C2SP signed-note. */
const ALGORITHM = 1

export type Checkpoint = {
  /** Number of events in the tree. */
  size: number
  root: Buffer
  /** Position of the last event. */
  position: string
  time: string
}

/** The content of a note, with the origin of the log that signed it. */
export type OpenedNote = Checkpoint & { origin: string }

export type NoteSigner = ReturnType<typeof createNoteSigner>

function keyId(name: string, material: Buffer): Buffer {
  return createHash('sha256').update(`${name}\n`).update(material).digest().subarray(0, 4)
}

/**
 * Signs checkpoints as notes for the tools of transparency logs (C2SP tlog-checkpoint and signed-note).
 * @param origin names the log: a URL without its scheme
 * @param seed 32 bytes of an Ed25519 key
 */
export function createNoteSigner(origin: string, seed: Uint8Array) {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey)
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const material = Buffer.concat([Buffer.from([ALGORITHM]), Buffer.from(x, 'base64url')])
  const id = keyId(origin, material)
  /** Signs a text of whole lines as a note of this log. */
  const signText = (text: string) => {
    const signature = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)])
    return `${text}\n\u2014 ${origin} ${signature.toString('base64')}\n`
  }
  return {
    origin,
    signText,
    /** The public verifier key: `name+id+key`. */
    verifierKey: `${origin}+${id.toString('hex')}+${material.toString('base64')}`,
    sign: ({ size, root, position, time }: Checkpoint): string =>
      signText(`${origin}\n${size}\n${root.toString('base64')}\nposition ${position}\ntime ${time}\n`),
    /** Returns the content of a note; undefined if it is not signed by this key. */
    open: (note: string) => openNote(note, { origin, id, publicKey }),
    openText: (note: string) => openText(note, { origin, id, publicKey }),
  }
}

/** Parses a note without verifying it; undefined for an invalid one. */
export function readNote(note: string): OpenedNote | undefined {
  const [, origin = '', size, root = '', position = '', time = ''] =
    /^(\S+)\n(\d{1,15})\n([A-Za-z0-9+/]{43}=)\nposition (\d+)\ntime (\S+)\n\n/.exec(note) ?? []
  return size === undefined
    ? undefined
    : { origin, size: Number(size), root: Buffer.from(root, 'base64'), position, time }
}

type NoteKey = { origin: string; id: Uint8Array; publicKey: KeyObject }

/** Returns the text of a note signed by this key; other signatures, such as those of witnesses, are ignored (C2SP signed-note). */
function openText(note: string, { origin, id, publicKey }: NoteKey): string | undefined {
  // Escaped, since one character outside Latin-1 in the source doubles a bundle's memory.
  const [, body = '', signatures = ''] = /^([\s\S]*?\n)\n((?:\u2014 \S+ \S+\n)+)$/.exec(note) ?? []
  const own = [...signatures.matchAll(/^\u2014 (\S+) (\S+)$/gm)]
    .map(([, name, value = '']) => ({ name, value: Buffer.from(value, 'base64') }))
    .find(({ name, value }) => name === origin && value.subarray(0, 4).equals(id))
  return own && verify(null, Buffer.from(body), publicKey, own.value.subarray(4)) ? body : undefined
}

/** Returns the checkpoint of this log in a note signed by this key. */
function openNote(note: string, key: NoteKey): Checkpoint | undefined {
  const { origin, ...checkpoint } = readNote(note) ?? {}
  return origin === key.origin && openText(note, key) !== undefined ? (checkpoint as Checkpoint) : undefined
}

function readVerifierKey(verifierKey: string): NoteKey {
  const [, origin = '', id, encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(verifierKey) ?? []
  const material = Buffer.from(encoded, 'base64')
  if (material.length !== 33 || material[0] !== ALGORITHM || keyId(origin, material).toString('hex') !== id)
    throw new Error('not an Ed25519 verifier key')
  const x = material.subarray(1).toString('base64url')
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { origin, id: Buffer.from(id, 'hex'), publicKey }
}

/** Opens the checkpoints of a log with its verifier key. @throws Error for an invalid key */
export function createNoteOpener(verifierKey: string): (note: string) => Checkpoint | undefined {
  const key = readVerifierKey(verifierKey)
  return (note) => openNote(note, key)
}

/** Opens any note of a log, as text, with its verifier key. @throws Error for an invalid key */
export function createTextOpener(verifierKey: string): (note: string) => string | undefined {
  const key = readVerifierKey(verifierKey)
  return (note) => openText(note, key)
}
