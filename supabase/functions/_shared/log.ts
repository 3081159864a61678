export interface LogLine {
  function: string
  outcome: string
  status: number
  message_id?: string
  provider_id?: string
  detail?: string
  duration_ms: number
}

/** Writes one JSON line per request. Callers pass ids and codes only: no address, no one-time code, no body. */
export function log(line: LogLine): void {
  const write = line.status >= 500 ? console.error : console.log
  write(JSON.stringify({ level: line.status >= 500 ? 'error' : 'info', ...line }))
}
