import { BlockList, isIP } from 'node:net'
import { groupsOf } from './domain/network.ts'

/** Whether a text is an IP address or a CIDR block (RFC 4632, RFC 4291 section 2.3). */
export function isNetwork(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/')
  const longest = isIP(address) === 6 ? 128 : 32
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest)
  return isIP(address) !== 0 && fits && rest.length === 0
}

/**
 * Returns an IP address in lower case, without its zone, and an IPv4-mapped one as IPv4 (RFC 4291 section 2.5.5.2); undefined for other
 * text.
 */
export function plainAddress(ip: string | undefined): string | undefined {
  const plain = ip?.replace(/^::ffff:(?=\d+\.)|%.*$/gi, '').toLowerCase()
  return plain && isIP(plain) ? plain : undefined
}

/** Whether an address is in one of the networks, each an address or a CIDR block. */
export function isWithin(networks: readonly string[], ip: string | undefined): boolean {
  const plain = plainAddress(ip)
  if (plain === undefined || networks.length === 0) return false
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', bits] = network.split('/')
    const isSix = isIP(base) === 6
    list.addSubnet(base, Number(bits ?? (isSix ? 128 : 32)), isSix ? 'ipv6' : 'ipv4')
  }
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}

/** Returns the first groups of an IPv6 address, without leading zeros. */
const prefix = (ip: string, groups: number): string =>
  groupsOf(ip.replace(/%.*$/, ''))
    .slice(0, groups)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')

/** Returns the part of an address that identifies one subscriber: the whole of IPv4, the /64 of IPv6. */
export function addressKey(ip: string | undefined): string {
  return ip?.includes(':') ? prefix(ip, 4) : (ip ?? 'unknown')
}

/** Returns the network of an address: IPv4 /24, IPv6 /48 (one site). */
export function networkKey(ip: string | undefined): string {
  return ip?.includes(':') ? prefix(ip, 3) : addressKey(ip).split('.').slice(0, 3).join('.')
}

/** Returns the provider range of an address: IPv4 /16, IPv6 /32. It only tightens limits, since many people share it. */
export function rangeKey(ip: string | undefined): string {
  return ip?.includes(':') ? prefix(ip, 2) : addressKey(ip).split('.').slice(0, 2).join('.')
}
