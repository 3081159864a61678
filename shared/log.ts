import { format } from 'node:util'
import { config } from './config.ts'

const RANK = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 } as const
const PRIVATE =
  /^(e_?mail|phone|name|ip|ip_?address|client_?ip|user_?agent|cookie|authorization|password|secret|token|code|state)$|_(token|secret|password|code|cookie)$|(Token|Secret|Password)$/

const GATHER_MILLISECONDS = 50
const GATHERED_BYTES = 32_768

type Level = Exclude<keyof typeof RANK, 'silent'>
type LogFields = Record<string, unknown>

let threshold: number | undefined

function isLogged(level: Level): boolean {
  try {
    threshold ??= RANK[config().LOG_LEVEL]
  } catch {
    return true
  }
  return RANK[level] >= threshold
}

/** The loggable fields of an error. Postgres quotes input in its messages, so quoted parts are masked. */
function describeError(error: Error): LogFields {
  const { name, code, cause } = error as Error & { code?: unknown }
  const mask = (text: string | undefined) => (name === 'PostgresError' ? text?.replace(/"[^"]*"/g, '"…"') : text)
  return {
    name,
    code,
    message: mask(error.message),
    stack: mask(error.stack),
    ...(cause instanceof Error ? { cause: describeError(cause) } : {}),
  }
}

function clean(key: string, value: unknown): unknown {
  if (value instanceof Error) return describeError(value)
  return PRIVATE.test(key) && value !== undefined && value !== null ? '[redacted]' : value
}

/** The original console functions, in case `console` is replaced later. */
const printed = {
  error: (line: string) => console.error(line),
  other: (line: string) => console.log(line),
}
let gather: ((line: string) => void) | undefined

/**
 * Writes debug and info lines in batches, which costs a busy server a third less. They are buffered as bytes: strings would survive
 * into the old generation, which is expensive to collect. Only for long-lived processes: a function frozen after its response would
 * hold back its lines.
 */
export function gatherLines(): void {
  let bytes = Buffer.allocUnsafeSlow(GATHERED_BYTES)
  let length = 0
  const flush = () => {
    if (length === 0) return
    process.stdout.write(bytes.subarray(0, length))
    bytes = Buffer.allocUnsafeSlow(GATHERED_BYTES)
    length = 0
  }
  gather = (line) => {
    // UTF-8 takes at most three bytes per UTF-16 code unit.
    const most = line.length * 3 + 1
    if (most > GATHERED_BYTES - length) flush()
    if (most > GATHERED_BYTES) process.stdout.write(`${line}\n`)
    else length += bytes.write(`${line}\n`, length)
  }
  setInterval(flush, GATHER_MILLISECONDS).unref()
  process.on('exit', flush)
}

function write(level: Level, message: string, fields: LogFields = {}): void {
  if (!isLogged(level)) return
  const safe: LogFields = { time: new Date().toISOString(), level, message }
  for (const key in fields) safe[key] = clean(key, fields[key])
  const line = JSON.stringify(safe)
  if (level === 'error' || level === 'warn') printed.error(line)
  else if (gather) gather(line)
  else printed.other(line)
}

/** Turns output of packages and Node into log lines. For a process whose output is the log. */
export function captureConsole(): void {
  const { error, log: other } = console
  Object.assign(printed, { error: error.bind(console), other: other.bind(console) })
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    console[level] = (...words: unknown[]) => {
      const cause = words.find((word) => word instanceof Error)
      write(level, cause ? 'printed by a package' : format(...words), cause ? { error: cause } : {})
    }
  }
  console.log = console.info
  process.removeAllListeners('warning')
  process.on('warning', (error) => write('warn', 'Node warning', { error }))
}

/** One JSON line per call. Fields that name a secret or personal data are redacted; never pass such data in `message`. */
export const log = {
  debug: (message: string, fields?: LogFields) => write('debug', message, fields),
  info: (message: string, fields?: LogFields) => write('info', message, fields),
  warn: (message: string, fields?: LogFields) => write('warn', message, fields),
  error: (message: string, fields?: LogFields) => write('error', message, fields),
}
