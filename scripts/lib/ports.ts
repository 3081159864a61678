import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/** Returns a TCP port on the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Returns whether something accepts connections on a port of this machine, over IPv4 or IPv6. */
export async function isPortBusy(port: number): Promise<boolean> {
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => accepts(host, port)))
  return answers.includes(true)
}

/**
 * @param user what needs the port
 * @param variable the environment variable that chooses it
 * @throws when the port is busy
 */
export async function requireFreePort(port: number, user: string, variable: string): Promise<void> {
  if (await isPortBusy(port))
    throw new Error(`Port ${port} is taken, ${user} needs it: stop what listens there or set ${variable}`)
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

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1000) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
