/** An address block: address length in bits, first address as a number, and prefix length. */
type Block = { bits: number; base: bigint; prefix: number }

const joined = (parts: string[], bits: bigint, radix: '' | '0x') =>
  parts.reduce((sum, part) => (sum << bits) + BigInt(`${radix}${part}`), 0n)

const ofIpv4 = (address: string) => joined(address.split('.'), 8n, '')

/** Rewrites an embedded IPv4 address as two groups (RFC 4291 section 2.2). */
function withoutDots(address: string): string {
  return address.replace(/\d+(?:\.\d+){3}$/, (dotted) => {
    const bits = ofIpv4(dotted)
    return `${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`
  })
}

/** Returns the eight groups of an IPv6 address. */
export function groupsOf(address: string): string[] {
  const [head = [], tail] = withoutDots(address)
    .split('::')
    .map((half) => half.split(':').filter(Boolean))
  const zeros = tail ? Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0') : []
  return [...head, ...zeros, ...(tail ?? [])]
}

function parse(block: string): Block {
  const [address = '', prefix] = block.split('/')
  const bits = address.includes(':') ? 128 : 32
  const base = bits === 128 ? joined(groupsOf(address), 16n, '0x') : ofIpv4(address)
  return { bits, base, prefix: prefix === undefined ? bits : Number(prefix) }
}

/** Whether `outer` contains every address of `inner`. Both are valid addresses or CIDR blocks. */
export function blockContains(outer: string, inner: string): boolean {
  const [wide, narrow] = [parse(outer), parse(inner)]
  const shift = BigInt(wide.bits - wide.prefix)
  return wide.bits === narrow.bits && wide.prefix <= narrow.prefix && wide.base >> shift === narrow.base >> shift
}
