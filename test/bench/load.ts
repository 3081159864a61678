import { connect, type Socket } from 'node:net'

export type Call = {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
  onAnswer?: (status: number, body: string, headers: string) => void
}

export type Sample = {
  /** Milliseconds of each answer, ascending. */
  times: number[]
  /** Statuses of answers that were not as expected. */
  unexpected: number[]
  seconds: number
}

type Connection = { send(call: Call): Promise<number>; close(): void }

/** A connection with one call on it at a time, made for little more than its system calls. */
async function open(url: URL): Promise<Connection> {
  const socket: Socket = connect(Number(url.port), url.hostname).setNoDelay(true)
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  let text = ''
  let current: { call: Call; resolve: (status: number) => void; reject: (error: Error) => void } | undefined
  socket.on('error', (error) => current?.reject(error))
  socket.on('close', () => current?.reject(new Error('the server closed the connection')))
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    const end = text.indexOf('\r\n\r\n')
    if (end < 0 || !current) return
    const head = text.slice(0, end)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const inChunks = /\r\ntransfer-encoding: *chunked/i.test(head)
    if (inChunks ? !text.endsWith('\r\n0\r\n\r\n') : text.length < end + 4 + length) return
    const { call, resolve } = current
    const status = Number(head.slice(9, 12))
    const body = text.slice(end + 4)
    text = ''
    current = undefined
    call.onAnswer?.(status, body, head)
    resolve(status)
  })
  return {
    send: (call) =>
      new Promise((resolve, reject) => {
        current = { call, resolve, reject }
        const lines = Object.entries(call.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
        const length = call.body === undefined ? '' : `content-length: ${Buffer.byteLength(call.body)}\r\n`
        socket.write(
          `${call.method} ${call.path} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}${length}\r\n${call.body ?? ''}`,
        )
      }),
    close: () => {
      current = undefined
      socket.destroy()
    },
  }
}

export type Limit = { seconds: number } | { amount: number }

/** Some connections to a server, each of which calls again as soon as it was answered. */
export async function runLoad(
  url: string,
  connections: number,
  { next, expect, limit }: { next: () => Call; expect: number; limit: Limit },
): Promise<Sample> {
  const all = await Promise.all(Array.from({ length: connections }, () => open(new URL(url))))
  const times: number[] = []
  const unexpected: number[] = []
  const startedAt = performance.now()
  const until = 'seconds' in limit ? startedAt + limit.seconds * 1000 : Number.POSITIVE_INFINITY
  let left = 'amount' in limit ? limit.amount : Number.POSITIVE_INFINITY
  await Promise.all(
    all.map(async ({ send, close }) => {
      let at = performance.now()
      while (left-- > 0 && at < until) {
        const status = await send(next())
        if (status !== expect) unexpected.push(status)
        const now = performance.now()
        times.push(now - at)
        at = now
      }
      close()
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  return { times: times.sort((a, b) => a - b), unexpected, seconds }
}
