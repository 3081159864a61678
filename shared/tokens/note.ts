import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** Before the seed in the PKCS #8 form of an Ed25519 key (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Ed25519, in C2SP signed-note. */
const ALGORITHM = 1

export type Checkpoint = {
  /** How many events the tree covers. */
  size: number
  root: Buffer
  /** Of the last one. */
  position: string
  time: string
}

/** What a note says, with the name of the log that signed it. */
export type OpenedNote = Checkpoint & { origin: string }

export type NoteSigner = ReturnType<typeof createNoteSigner>

function keyId(name: string, material: Buffer): Buffer {
  return createHash('sha256').update(`${name}\n`).update(material).digest().subarray(0, 4)
}

/**
 * Signs checkpoints as notes that the tools of transparency logs read (C2SP tlog-checkpoint and signed-note).
 * @param origin names the log: a URL without its scheme
 * @param seed 32 bytes of an Ed25519 key
 */
export function createNoteSigner(origin: string, seed: Uint8Array) {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey)
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const material = Buffer.concat([Buffer.from([ALGORITHM]), Buffer.from(x, 'base64url')])
  const id = keyId(origin, material)
  /** A text of whole lines as a note of this log. */
  const signText = (text: string) => {
    const signature = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)])
    return `${text}\n\u2014 ${origin} ${signature.toString('base64')}\n`
  }
  return {
    origin,
    signText,
    /** What others check notes with: `name+id+key`. */
    verifierKey: `${origin}+${id.toString('hex')}+${material.toString('base64')}`,
    sign: ({ size, root, position, time }: Checkpoint): string =>
      signText(`${origin}\n${size}\n${root.toString('base64')}\nposition ${position}\ntime ${time}\n`),
    /** What a note of ours says; undefined when it is not signed by this key. */
    open: (note: string) => openNote(note, { origin, id, publicKey }),
    openText: (note: string) => openText(note, { origin, id, publicKey }),
  }
}

/** What a note says, whoever signed it; undefined when it is none. */
export function readNote(note: string): OpenedNote | undefined {
  const [, origin = '', size, root = '', position = '', time = ''] =
    /^(\S+)\n(\d{1,15})\n([A-Za-z0-9+/]{43}=)\nposition (\d+)\ntime (\S+)\n\n/.exec(note) ?? []
  return size === undefined
    ? undefined
    : { origin, size: Number(size), root: Buffer.from(root, 'base64'), position, time }
}

type NoteKey = { origin: string; id: Uint8Array; publicKey: KeyObject }

/** The text of a note that this key has signed; signatures of others beside it, such as those of witnesses, are ignored (C2SP signed-note). */
function openText(note: string, { origin, id, publicKey }: NoteKey): string | undefined {
  // Written as an escape: one character outside Latin-1 in its source doubles what a bundle takes in memory.
  const [, body = '', signatures = ''] = /^([\s\S]*?\n)\n((?:\u2014 \S+ \S+\n)+)$/.exec(note) ?? []
  const own = [...signatures.matchAll(/^\u2014 (\S+) (\S+)$/gm)]
    .map(([, name, value = '']) => ({ name, value: Buffer.from(value, 'base64') }))
    .find(({ name, value }) => name === origin && value.subarray(0, 4).equals(id))
  return own && verify(null, Buffer.from(body), publicKey, own.value.subarray(4)) ? body : undefined
}

/** The checkpoint of this log in a note that this key has signed. */
function openNote(note: string, key: NoteKey): Checkpoint | undefined {
  const { origin, ...checkpoint } = readNote(note) ?? {}
  return origin === key.origin && openText(note, key) !== undefined ? (checkpoint as Checkpoint) : undefined
}

function readVerifierKey(verifierKey: string): NoteKey {
  const [, origin = '', id, encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(verifierKey) ?? []
  const material = Buffer.from(encoded, 'base64')
  if (material.length !== 33 || material[0] !== ALGORITHM || keyId(origin, material).toString('hex') !== id)
    throw new Error('this is no verifier key of an Ed25519 key')
  const x = material.subarray(1).toString('base64url')
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { origin, id: Buffer.from(id, 'hex'), publicKey }
}

/** Opens the checkpoints of a log by its verifier key. @throws Error when that is none */
export function createNoteOpener(verifierKey: string): (note: string) => Checkpoint | undefined {
  const key = readVerifierKey(verifierKey)
  return (note) => openNote(note, key)
}

/** Opens any note of a log by its verifier key: its text. @throws Error when that is none */
export function createTextOpener(verifierKey: string): (note: string) => string | undefined {
  const key = readVerifierKey(verifierKey)
  return (note) => openText(note, key)
}
