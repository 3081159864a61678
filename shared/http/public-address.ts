import ipaddr from 'ipaddr.js'

/** Whether an address is one that anybody may reach: not special-use (RFC 6890), however it is written. */
export function isPublicAddress(address: string, allowLoopback: boolean): boolean {
  if (!ipaddr.isValid(address)) return false
  const range = ipaddr.process(address).range()
  return range === 'unicast' || (allowLoopback && range === 'loopback')
}
