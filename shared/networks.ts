import { BlockList, isIP } from 'node:net'

/** Whether a text is an IP address or a CIDR block (RFC 4632, RFC 4291 section 2.3). */
export function isNetwork(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/')
  const longest = isIP(address) === 6 ? 128 : 32
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest)
  return isIP(address) !== 0 && fits && rest.length === 0
}

/** An IP address without its zone, with a mapped IPv4 address as IPv4 (RFC 4291 section 2.5.5.2); undefined for other text. */
export function plainAddress(address: string | undefined): string | undefined {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, '').split('%', 1)[0]
  return plain && isIP(plain) ? plain : undefined
}

/** Whether an address is in one of the networks, each an address or a CIDR block. */
export function isWithin(networks: readonly string[], address: string | undefined): boolean {
  const plain = plainAddress(address)
  if (plain === undefined || networks.length === 0) return false
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', bits] = network.split('/')
    const isSix = isIP(base) === 6
    list.addSubnet(base, Number(bits ?? (isSix ? 128 : 32)), isSix ? 'ipv6' : 'ipv4')
  }
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}
