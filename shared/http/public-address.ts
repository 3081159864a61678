import ipaddr from 'ipaddr.js'

/** The assigned global unicast space of IPv6 (RFC 4291 section 2.4 and the IANA registry). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Cloud metadata addresses in public space: Azure's wire server. Those of other clouds (169.254.169.254, 100.100.100.200,
 * 192.0.0.192, fd00:ec2::254, fd20:ce::254) are special-use already.
 */
const CLOUD_ADDRESSES = new Set(['168.63.129.16'])

/** Whether an address is global unicast and not special-use (RFC 6890), however it is written. */
export function isPublicAddress(address: string, allowLoopback: boolean): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  const range = parsed.range()
  if (allowLoopback && range === 'loopback') return true
  if (range !== 'unicast' || CLOUD_ADDRESSES.has(parsed.toString())) return false
  return parsed instanceof ipaddr.IPv4 || (parsed as ipaddr.IPv6).match(GLOBAL_UNICAST)
}
