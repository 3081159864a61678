import { createHash, createHmac } from 'node:crypto'

/** Credentials of a bucket, as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION name them. */
export type BucketCredentials = { accessKeyId: string; secretAccessKey: string; region: string; sessionToken?: string }

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/**
 * Returns the headers of a signed request to an S3-compatible bucket (AWS Signature Version 4, one chunk).
 * @param request.headers further headers to sign, in lower case
 */
export function signS3Request(
  { accessKeyId, secretAccessKey, region, sessionToken }: BucketCredentials,
  request: { method: string; url: URL; body?: Uint8Array; headers?: Record<string, string>; now: Date },
): Record<string, string> {
  const { method, url, body = new Uint8Array(), now } = request
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
    ...(sessionToken && { 'x-amz-security-token': sessionToken }),
  }
  const signed = Object.entries({ ...headers, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1))
  const names = signed.map(([name]) => name).join(';')
  const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('')
  const canonical = [method, url.pathname, '', lines, names, headers['x-amz-content-sha256']].join('\n')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const key = scope.split('/').reduce((secret: string | Buffer, part) => hmac(secret, part), `AWS4${secretAccessKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return { ...headers, authorization }
}
