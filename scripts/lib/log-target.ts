import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type BucketCredentials, signS3Request } from './s3-signature.ts'
import { RefusedError, type Terminal } from './terminal.ts'

const TIMEOUT_MS = 30_000

type LogFile = { name: string; bytes: Uint8Array; type: string; cache: string }

/** Where the public log is copied to. */
export type LogTarget = {
  read(name: string): Promise<string | undefined>
  write(file: LogFile): Promise<void>
}

function folder(root: string): LogTarget {
  return {
    read: (name) =>
      readFile(join(root, name), 'utf8').catch((error) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      }),
    async write({ name, bytes }) {
      const file = join(root, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(`${file}.new`, bytes)
      await rename(`${file}.new`, file)
    },
  }
}

function bucket(prefix: string, credentials: BucketCredentials): LogTarget {
  const send = async (method: 'GET' | 'PUT', name: string, body?: Uint8Array, headers?: Record<string, string>) => {
    const url = new URL(`${prefix.replace(/\/+$/, '')}/${name}`)
    const signed = signS3Request(credentials, { method, url, body, headers, now: new Date() })
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return fetch(url, { method, headers: signed, body: body && Buffer.from(body), redirect: 'manual', signal })
  }
  return {
    async read(name) {
      const response = await send('GET', name)
      if (response.status === 404) return undefined
      if (response.status !== 200) throw new RefusedError(`The bucket answered ${response.status} to a read of ${name}`)
      return response.text()
    },
    async write({ name, bytes, type, cache }) {
      const { status } = await send('PUT', name, bytes, { 'content-type': type, 'cache-control': cache })
      if (status !== 200) throw new RefusedError(`The bucket answered ${status} to a write of ${name}`)
    },
  }
}

/**
 * Opens a folder, or a prefix in an S3-compatible bucket: `https://<endpoint>/<bucket>/<prefix>`.
 * @throws RefusedError when a bucket has no credentials
 */
export function openLogTarget({ env }: Terminal, to: string): LogTarget {
  if (!/^https?:\/\//.test(to)) return folder(resolve(env.INIT_CWD ?? '', to))
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION = 'us-east-1' } = env
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
    throw new RefusedError('Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the bucket, and AWS_REGION')
  return bucket(to, {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
    region: AWS_REGION,
  })
}
