import { UUID, uuidv7 } from 'uuidv7'

const CELL_BITS = 10
export const MOST_CELL = 2 ** CELL_BITS - 1

let ownCell = 0

/** Sets the cell of this process, which all ids that it makes carry. */
export function useCell(cell: number): void {
  ownCell = cell
}

// In the first 10 of the last 32 bits, which are random in other uuids v7: two digits and a half.
const withCell = (id: string) => {
  const random = Number.parseInt(id.charAt(30), 16) & 3
  return `${id.slice(0, 28)}${((ownCell << 2) | random).toString(16).padStart(3, '0')}${id.slice(31)}`
}

/** Returns a new id: a uuid v7 that sorts by time and carries the cell of this process. */
export const newId = (): string => withCell(uuidv7())

/** Returns the id that a time and at least 10 bytes lead to, for what several instances have to name alike. */
export function idFrom(at: Date, bytes: Buffer): string {
  const [a, b, c] = [bytes.readUInt16BE(0) >> 4, bytes.readUInt32BE(2) >>> 2, bytes.readUInt32BE(6)]
  return withCell(UUID.fromFieldsV7(at.getTime(), a, b, c).toString())
}

/** Returns when an id was made. */
export const timeOf = (id: string): Date => new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16))

/** Returns the cell of an id: where its stream is. What a new database begins with has the same ids, of cell 0, in every cell. */
export const cellOf = (id: string): number => Number.parseInt(id.slice(28, 31), 16) >> 2
