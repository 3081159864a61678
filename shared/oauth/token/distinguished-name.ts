/** Aliases of the attribute types in certificates. */
const TYPES: Record<string, string> = {
  '2.5.4.3': 'cn',
  '2.5.4.4': 'sn',
  '2.5.4.5': 'serialnumber',
  '2.5.4.6': 'c',
  '2.5.4.7': 'l',
  '2.5.4.8': 'st',
  '2.5.4.9': 'street',
  '2.5.4.10': 'o',
  '2.5.4.11': 'ou',
  '2.5.4.12': 'title',
  '2.5.4.42': 'gn',
  '2.5.4.97': 'organizationidentifier',
  '0.9.2342.19200300.100.1.1': 'uid',
  '0.9.2342.19200300.100.1.25': 'dc',
  '1.2.840.113549.1.9.1': 'emailaddress',
  commonname: 'cn',
  countryname: 'c',
  organizationname: 'o',
  organizationalunitname: 'ou',
  localityname: 'l',
  stateorprovincename: 'st',
  s: 'st',
  streetaddress: 'street',
  surname: 'sn',
  givenname: 'gn',
  userid: 'uid',
  domaincomponent: 'dc',
  e: 'emailaddress',
  email: 'emailaddress',
}

/** Splits a text at unescaped separators. */
function split(text: string, separators: string): string[] {
  const parts = ['']
  for (const piece of text.match(/\\[\s\S]|[\s\S]/g) ?? []) {
    if (separators.includes(piece)) parts.push('')
    else parts[parts.length - 1] += piece
  }
  return parts
}

/** Unescapes a value; undefined if it is malformed (RFC 4514 section 2.4). */
function unescaped(text: string): string | undefined {
  const value = text.replace(/^\s+/, '').replace(/(\\[\s\S])?\s*$/, '$1')
  if (/^#/.test(value) || /(^|[^\\])(\\\\)*"/.test(value)) return undefined
  const bytes: Buffer[] = []
  for (const piece of value.match(/\\[0-9a-f]{2}|\\[\s\S]?|[^\\]+/gi) ?? []) {
    if (/^\\[0-9a-f]{2}$/i.test(piece)) bytes.push(Buffer.from(piece.slice(1), 'hex'))
    else bytes.push(Buffer.from(piece.startsWith('\\') ? piece.slice(1) : piece))
  }
  return Buffer.concat(bytes).toString()
}

/** Returns an attribute as text, with the usual name of its type; undefined if it is malformed. */
function parseAttribute(text: string): string | undefined {
  const [, written = '', rest = ''] = /^\s*(?:OID\.)?([\w.-]+)\s*=([\s\S]*)$/i.exec(text) ?? []
  const type = written.toLowerCase()
  const value = unescaped(rest)
  return type && value ? JSON.stringify([TYPES[type] ?? type, value]) : undefined
}

/** Parses a name into relative names, each with its attributes in a fixed order; undefined if it is malformed. */
function parse(text: string, separators: string): string[] | undefined {
  const names = split(text, separators).map((one) => split(one, '+').map(parseAttribute))
  if (names.flat().some((attribute) => attribute === undefined)) return undefined
  return names.map((attributes) => attributes.sort().join('+'))
}

/**
 * Whether a registered name is the subject of a certificate. Spacing, type aliases and the direction of the parts (RFC 4514 and
 * OpenSSL differ) are ignored; values must be equal.
 * @param registered as in RFC 4514 section 3, such as `CN=svc,O=Example\, Inc.,C=DE`
 * @param subject of a node:crypto X509Certificate, one relative name per line
 */
export function isSameName(registered: string, subject: string): boolean {
  const expected = parse(registered, ',;')
  const actual = parse(subject, '\n')
  if (!expected || !actual || expected.length !== actual.length) return false
  const isEqual = (names: string[]) => names.every((name, index) => name === actual[index])
  return isEqual(expected) || isEqual(expected.toReversed())
}
