import { isIP } from 'node:net'
import { config } from '../config.ts'

const plain = (address: string | undefined): string | undefined => {
  const bare = address?.trim().replace(/^::ffff:(?=\d+\.)/i, '')
  return bare && isIP(bare) ? bare.toLowerCase() : undefined
}

/**
 * Returns the caller's address: the platform's, or, if CLIENT_IP_HEADER is configured, the last address in that header.
 * No other forwarding header is trusted.
 */
export function clientAddress(request: Request, platformAddress: string | undefined): string | undefined {
  const header = config().CLIENT_IP_HEADER
  const forwarded = header ? request.headers.get(header)?.split(',').at(-1) : undefined
  return plain(forwarded) ?? plain(platformAddress)
}
