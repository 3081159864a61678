import { connect, createServer } from 'node:net'

/** Returns a TCP port on the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('the operating system gave no port')
  return address.port
}

/** Returns whether something accepts connections on a port of this machine, over IPv4 or IPv6. */
export async function isPortBusy(port: number): Promise<boolean> {
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => accepts(host, port)))
  return answers.includes(true)
}

/**
 * Waits until the port accepts connections.
 * @param milliseconds how long to wait at most
 * @returns false when the time ran out
 */
export async function waitForPort(port: number, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  while (Date.now() < deadline) {
    if (await isPortBusy(port)) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
  })
}
