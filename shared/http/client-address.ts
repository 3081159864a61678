import { plainAddress } from '../addresses.ts'
import { config } from '../config.ts'

/**
 * Returns the caller's address: the platform's, or, if CLIENT_IP_HEADER is configured, the last address in that header.
 * No other forwarding header is trusted.
 */
export function clientAddress(request: Request, platformAddress: string | undefined): string | undefined {
  const header = config().CLIENT_IP_HEADER
  const forwarded = header ? request.headers.get(header)?.split(',').at(-1)?.trim() : undefined
  return plainAddress(forwarded) ?? plainAddress(platformAddress)
}
