import { randomBytes } from 'node:crypto'

/** What a gateway that others can reach must have of its own. */
export const OWN_SECRETS = {
  AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
  OTP_WEBHOOK_SECRET: `v1,whsec_${randomBytes(32).toString('base64')}`,
}
