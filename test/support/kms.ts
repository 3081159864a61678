import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export type KmsRequest = { target: string; authorization: string; body: Record<string, unknown> }

export type KmsStandIn = {
  url: string
  /** The requests since the last call. */
  taken(): KmsRequest[]
  /** The name of the error that is answered from now on. */
  refuse(name: string | undefined): void
  stop(): Promise<void>
}

const REGION = 'eu-central-1'
export const ARN = `arn:aws:kms:${REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`
export const OTHER_ARN = `arn:aws:kms:${REGION}:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321`

async function bodyOf(request: IncomingMessage): Promise<Record<string, string & Record<string, string>>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}

/** Answers Encrypt and Decrypt as AWS KMS does (JSON 1.1), with a key per ARN that never leaves it, and checks what it is sent. */
export async function startKms(): Promise<KmsStandIn> {
  const keys = new Map([ARN, OTHER_ARN].map((arn) => [arn, randomBytes(32)]))
  const requests: KmsRequest[] = []
  let refused: string | undefined

  function answer(target: string, body: Record<string, string & Record<string, string>>): object | string {
    const { KeyId = '', EncryptionContext, Plaintext, CiphertextBlob } = body
    const key = keys.get(KeyId)
    if (refused) return refused
    if (!key) return 'NotFoundException'
    const context = Buffer.from(JSON.stringify(EncryptionContext ?? {}))
    if (target === 'TrentService.Encrypt' && Plaintext) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context)
      const sealed = [nonce, cipher.update(Buffer.from(Plaintext, 'base64')), cipher.final(), cipher.getAuthTag()]
      return { KeyId, CiphertextBlob: Buffer.concat(sealed).toString('base64') }
    }
    if (target !== 'TrentService.Decrypt' || !CiphertextBlob) return 'ValidationException'
    const bytes = Buffer.from(CiphertextBlob, 'base64')
    try {
      const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(context)
      cipher.setAuthTag(bytes.subarray(-16))
      const opened = Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()])
      return { KeyId, Plaintext: opened.toString('base64') }
    } catch {
      return 'InvalidCiphertextException'
    }
  }

  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const target = String(request.headers['x-amz-target'])
    requests.push({ target, authorization: String(request.headers.authorization), body })
    const said = answer(target, body)
    const failed = typeof said === 'string'
    response.writeHead(failed ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(failed ? { __type: said, message: said } : said))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: () => requests.splice(0),
    refuse(name) {
      refused = name
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
