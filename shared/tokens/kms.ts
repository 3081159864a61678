import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'

const TIMEOUT_MS = 5000

/**
 * Wraps keys with a symmetric key of AWS KMS. Credentials come from where the SDK finds them.
 * @param arn of the key, which names its region
 * @param endpoint of KMS, if not the region's public one
 * @param purpose encryption context: authenticated, and in the service's log
 */
export function kmsKey(arn: string, endpoint: string | undefined, purpose: string) {
  const [, , , region] = arn.split(':')
  const client = new KMSClient({ region, endpoint, maxAttempts: 3 })
  const common = { KeyId: arn, EncryptionContext: { purpose } }
  const given = (bytes: Uint8Array | undefined) => {
    if (!bytes) throw new Error('KMS returned no bytes')
    return bytes
  }
  const options = () => ({ abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
  return {
    async wrap(key: Uint8Array): Promise<Uint8Array> {
      return given((await client.send(new EncryptCommand({ ...common, Plaintext: key }), options())).CiphertextBlob)
    },
    async unwrap(wrapped: Uint8Array): Promise<Uint8Array> {
      return given((await client.send(new DecryptCommand({ ...common, CiphertextBlob: wrapped }), options())).Plaintext)
    },
  }
}
