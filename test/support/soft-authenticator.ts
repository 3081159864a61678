import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { Page } from './test-browser.ts'

type Options = { challenge: string; rpId?: string; rp?: { id: string }; user?: { id: string } }
/** How a response differs from an honest one. */
export type Lies = { origin?: string; rpId?: string; flags?: number; signCount?: number; userHandle?: string }

const UP_UV = 0x05
const ATTESTED = 0x40
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest()

const unescaped = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')

/** The options of the ceremony on a page. */
export function ceremonyOf({ html, url, status }: Page): Options {
  const found = /data-options="([^"]*)"/.exec(html)?.[1]
  if (found === undefined) throw new Error(`no ceremony at ${url} (${status})`)
  return JSON.parse(unescaped(found))
}

/** A security key in software, with one credential for an origin. */
export function createSoftAuthenticator(ownOrigin: string) {
  const id = randomBytes(16)
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let handle = ''

  const clientData = (type: string, { challenge }: Options, { origin = ownOrigin }: Lies) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
  const header = (rpId: string, flags: number, signCount: number) => {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(signCount)
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), count])
  }
  const credential = (response: object) =>
    JSON.stringify({
      ...{ id: id.toString('base64url'), rawId: id.toString('base64url'), type: 'public-key' },
      ...{ clientExtensionResults: {}, response },
    })

  return {
    credentialId: id.toString('base64url'),

    /** Makes the credential, without attestation. */
    create(options: Options, lies: Lies = {}): string {
      handle = options.user?.id ?? ''
      const { rpId = options.rp?.id ?? '', flags = UP_UV, signCount = 0 } = lies
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, coseKey(keys.publicKey)])
      const authData = Buffer.concat([header(rpId, flags | ATTESTED, signCount), attested])
      const length = Buffer.from([0x58, authData.length])
      const text = (value: string) => Buffer.from([0x60 + value.length, ...Buffer.from(value)])
      const statement = [text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0]), text('authData')]
      const attestationObject = Buffer.concat([Buffer.from([0xa3]), ...statement, length, authData])
      return credential({
        clientDataJSON: clientData('webauthn.create', options, lies).toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['usb'],
      })
    },

    /** Signs a challenge. */
    get(options: Options, lies: Lies = {}): string {
      const { rpId = options.rpId ?? '', flags = UP_UV, signCount = 0, userHandle = handle } = lies
      const data = clientData('webauthn.get', options, lies)
      const authenticatorData = header(rpId, flags, signCount)
      const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(data)]), keys.privateKey)
      return credential({
        clientDataJSON: data.toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle,
      })
    },
  }
}

/** The COSE key of a key for ES256. */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  const bytes = (text: string) => Buffer.concat([Buffer.from([0x58, 32]), Buffer.from(text, 'base64url')])
  return Buffer.concat([Buffer.from([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21]), bytes(x), Buffer.from([0x22]), bytes(y)])
}
