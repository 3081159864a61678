/** Object ids of PostgreSQL's built-in array types, by how their elements are read. They never change. */
const OF_TEXT = [271, 651, 1002, 1003, 1009, 1014, 1015, 1016, 1041, 1183, 1187, 1231, 2951]
const OF_NUMBERS = [1005, 1007, 1021, 1022, 1028]
const OF_BOOLEANS = [1000]
const OF_BYTES = [1001]
const OF_TIMES = [1115, 1182, 1185]
const OF_JSON = [199, 3807]

type Element = unknown

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

const written = (element: Element) => (element === null ? 'null' : quoted(String(element)))

/** Formats an array for PostgreSQL; the driver sends no arrays of times, bytes or booleans. */
const writeArray = (elements: readonly Element[]): string => `{${elements.map(written).join(',')}}`

/** Parses a one-dimensional array from PostgreSQL. */
function readArray<Read>(text: string, read: (element: string) => Read): (Read | null)[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|([^{},]+)/gs)].map(([, inQuotes, bare = '']) => {
    if (inQuotes !== undefined) return read(inQuotes.replace(/\\(.)/gs, '$1'))
    return bare === 'NULL' ? null : read(bare)
  })
}

const arrays = (ids: number[], read: (element: string) => unknown) =>
  ids.map((id) => ({
    to: id,
    from: [id],
    serialize: (value: unknown) => (Array.isArray(value) ? writeArray(value) : value),
    parse: (text: string) => readArray(text, read),
  }))

/**
 * The array types for the driver, which would otherwise query them on each new connection. Elements are parsed as the driver parses
 * single values.
 */
export const arrayTypes = Object.fromEntries(
  [
    ...arrays(OF_TEXT, (element) => element),
    ...arrays(OF_NUMBERS, Number),
    ...arrays(OF_BOOLEANS, (element) => element === 't'),
    ...arrays(OF_BYTES, (element) => Buffer.from(element.slice(2), 'hex')),
    ...arrays(OF_TIMES, (element) => new Date(element)),
    ...arrays(OF_JSON, (element) => JSON.parse(element)),
  ].map((type) => [`array${type.to}`, type]),
)
