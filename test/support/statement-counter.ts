import { createServer, connect as dial, type Socket } from 'node:net'

export type StatementCounter = {
  /** The connection string to use instead of the given one. */
  url: string
  /** The text of the statements sent since the last call. */
  taken(): string[]
  stop(): Promise<void>
}

const PARSE = 'P'.charCodeAt(0)
const SIMPLE_QUERY = 'Q'.charCodeAt(0)

/** The statement of a Parse (name, then text) or Query message, both ending in a zero byte. */
function textOf(message: Buffer): string {
  const parts = message.subarray(5).toString('utf8').split('\0')
  return (message[0] === PARSE ? parts[1] : parts[0]) ?? ''
}

/** Finds the statements among the client's messages (PostgreSQL protocol 3: type byte, length; the first message has no type). */
function createScanner(onStatement: (text: string) => void) {
  let pending = Buffer.alloc(0)
  let started = false
  return (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const header = started ? 1 : 0
      if (pending.length < header + 4) return
      const length = header + pending.readUInt32BE(header)
      if (pending.length < length) return
      if (started && (pending[0] === PARSE || pending[0] === SIMPLE_QUERY))
        onStatement(textOf(pending.subarray(0, length)))
      started = true
      pending = pending.subarray(length)
    }
  }
}

/** A proxy in front of Postgres that counts statements. */
export async function countStatements(databaseUrl: string): Promise<StatementCounter> {
  const target = new URL(databaseUrl)
  let statements: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = dial({ host: target.hostname, port: Number(target.port || 5432) })
    const scan = createScanner((text) => statements.push(text))
    client.on('data', scan)
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    taken() {
      const taken = statements
      statements = []
      return taken
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
