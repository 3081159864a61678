/** Prints to standard error, so that standard output has results only. */
export const say = (text) => process.stderr.write(`${text}\n`)

/** Prints a result. */
export const print = (text) => process.stdout.write(`${text}\n`)

export class UsageError extends Error {}
