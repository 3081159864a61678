import { connect, type Socket } from 'node:net'

export type Answer = {
  status: number
  headers: Record<string, string>
  /** `Set-Cookie` headers. */
  cookies: string[]
  body: string
}

export type Request = {
  headers?: Record<string, string>
  form?: Record<string, string>
  json?: unknown
}

type Pending = { resolve(answer: Answer): void; reject(error: Error): void }

const EMPTY = Buffer.alloc(0)

/** Returns status, headers and cookies from the head of an answer. */
function parseHead(head: string): Omit<Answer, 'body'> {
  const [, ...lines] = head.split('\r\n')
  const headers: Record<string, string> = {}
  const cookies: string[] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'set-cookie') cookies.push(value)
    else headers[name] = value
  }
  return { status: Number(head.slice(9, 12)), headers, cookies }
}

type Body = { text: string; end: number }

/** Joins the chunks of a body that begins at `start`; undefined until the last one has arrived. */
function readChunks(buffer: Buffer, start: number): Body | undefined {
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = buffer.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const length = Number.parseInt(buffer.toString('latin1', at, lineEnd), 16)
    const end = lineEnd + 2 + length + 2
    if (buffer.length < end) return undefined
    if (length === 0) return { text: Buffer.concat(parts).toString(), end }
    parts.push(buffer.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = end
  }
}

function readBody(buffer: Buffer, start: number, headers: Record<string, string>): Body | undefined {
  if (headers['transfer-encoding'] === 'chunked') return readChunks(buffer, start)
  const end = start + Number(headers['content-length'] ?? 0)
  return buffer.length < end ? undefined : { text: buffer.toString('utf8', start, end), end }
}

/** Encodes the body of a request and the headers that describe it. */
function encodeBody({ form, json }: Request): [body: string | undefined, header: string] {
  if (form) return [new URLSearchParams(form).toString(), 'content-type: application/x-www-form-urlencoded\r\n']
  if (json !== undefined) return [JSON.stringify(json), 'content-type: application/json\r\n']
  return [undefined, '']
}

/**
 * A virtual user: one keep-alive connection with one request on it at a time, and a cookie jar. It works on the socket, so that a
 * request costs the load generator much less than the server.
 */
export class User {
  readonly url: string
  readonly index: number
  requests = 0
  readonly #address: URL
  readonly #jar = new Map<string, string>()
  #socket: Socket | undefined
  #buffer: Buffer = EMPTY
  #pending: Pending | undefined

  constructor(url: string, index: number) {
    this.url = url
    this.index = index
    this.#address = new URL(url)
  }

  /** The cookies kept so far, as a header. */
  get cookie(): string {
    return [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Puts the cookies of an answer into the jar. */
  keep(answer: Answer): Answer {
    this.keepCookies(answer.cookies)
    return answer
  }

  /** Puts `Set-Cookie` headers into the jar; an empty cookie is removed. */
  keepCookies(cookies: string[]): void {
    for (const cookie of cookies) {
      const [pair = ''] = cookie.split(';', 1)
      const equals = pair.indexOf('=')
      const value = pair.slice(equals + 1)
      if (value) this.#jar.set(pair.slice(0, equals), value)
      else this.#jar.delete(pair.slice(0, equals))
    }
  }

  async open(): Promise<void> {
    const socket = connect(Number(this.#address.port), this.#address.hostname).setNoDelay(true)
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    socket.on('data', (chunk) => {
      this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, chunk]) : chunk
      this.#read()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#socket = undefined
      this.#buffer = EMPTY
      this.#pending?.reject(new Error('the server closed the connection'))
      this.#pending = undefined
    })
    this.#socket = socket
  }

  close(): void {
    this.#socket?.destroy()
  }

  /** @param target path, or an address of this server */
  async request(method: string, target: string, request: Request = {}): Promise<Answer> {
    if (!this.#socket) await this.open()
    const path = target.startsWith('http') ? target.slice(new URL(target).origin.length) : target
    const [body, contentType] = encodeBody(request)
    let head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#address.host}\r\n${contentType}`
    for (const [name, value] of Object.entries(request.headers ?? {})) if (value) head += `${name}: ${value}\r\n`
    if (body !== undefined) head += `content-length: ${Buffer.byteLength(body)}\r\n`
    else if (method !== 'GET') head += 'content-length: 0\r\n'
    this.requests++
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
      this.#socket?.write(`${head}\r\n${body ?? ''}`)
    })
  }

  /** @throws when the answer has another status */
  async call(method: string, target: string, request: Request = {}, status = 200): Promise<Answer> {
    const answer = await this.request(method, target, request)
    if (answer.status === status) return answer
    const { headers, body } = answer
    const found = `${answer.status} instead of ${status}: ${body.slice(0, 300)} ${headers.location ?? ''}`
    throw new Error(`${method} ${target.slice(0, 90)}: ${found}`)
  }

  #read(): void {
    const pending = this.#pending
    const headEnd = this.#buffer.indexOf('\r\n\r\n')
    if (!pending || headEnd < 0) return
    const head = parseHead(this.#buffer.toString('latin1', 0, headEnd))
    const body = readBody(this.#buffer, headEnd + 4, head.headers)
    if (!body) return
    this.#buffer = this.#buffer.subarray(body.end)
    this.#pending = undefined
    if (head.headers.connection === 'close') {
      this.#socket?.destroy()
      this.#socket = undefined
    }
    pending.resolve({ ...head, body: body.text })
  }
}
