import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

interface DevSecrets {
  AUTH_MASTER_SECRET: string
  OTP_WEBHOOK_SECRET: string
  RESEND_WEBHOOK_SECRET: string
}

/** Returns the secrets of this checkout: generated once, stored in `file`, readable by its owner only. */
export async function devSecrets(file: string): Promise<DevSecrets> {
  const kept: Partial<DevSecrets> = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'))
  const secrets = {
    AUTH_MASTER_SECRET: kept.AUTH_MASTER_SECRET ?? randomBytes(32).toString('base64'),
    OTP_WEBHOOK_SECRET: kept.OTP_WEBHOOK_SECRET ?? `v1,whsec_${randomBytes(32).toString('base64')}`,
    RESEND_WEBHOOK_SECRET: kept.RESEND_WEBHOOK_SECRET ?? `whsec_${randomBytes(24).toString('base64')}`,
  }
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  return secrets
}
