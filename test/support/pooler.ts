import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, waitForPort } from '../../scripts/lib/ports.ts'
import { runAs } from '../../scripts/lib/postgres-binaries.ts'
import { startProcess } from '../../scripts/lib/process.ts'

export const PGBOUNCER = '/usr/sbin/pgbouncer'
const SHIPPED = fileURLToPath(new URL('../../deploy/docker/pgbouncer.ini', import.meta.url))

export type Pooler = {
  /** Connection string through the pooler. */
  url: string
  stop(): Promise<void>
}

/**
 * PgBouncer with the shipped configuration, in transaction mode, before one database.
 * @param size server connections for everyone
 */
export async function startPooler(appUrl: string, size: number): Promise<Pooler> {
  const app = new URL(appUrl)
  const port = await freePort()
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-pooler-'))
  await chmod(folder, 0o755)
  const users = path.join(folder, 'users.txt')
  await writeFile(users, `"${app.username}" "${decodeURIComponent(app.password)}"\n`)
  const changes = { listen_addr: '127.0.0.1', listen_port: port, auth_file: users, default_pool_size: size }
  let text = (await readFile(SHIPPED, 'utf8')).replace(
    /^auth_gateway = .*$/m,
    `* = host=${app.hostname} port=${app.port}`,
  )
  for (const [name, value] of Object.entries(changes)) {
    const line = new RegExp(`^${name} = .*$`, 'm')
    if (!line.test(text)) throw new Error(`pgbouncer.ini says nothing of ${name}`)
    text = text.replace(line, `${name} = ${value}`)
  }
  const file = path.join(folder, 'pgbouncer.ini')
  await writeFile(file, text)
  const lines: string[] = []
  const pooler = startProcess({ command: PGBOUNCER, args: [file], ...runAs, output: (line) => lines.push(line) })
  if (!(await waitForPort(port, 10_000))) throw new Error(`PgBouncer did not start:\n${lines.join('\n')}`)
  app.port = String(port)
  const stop = async () => {
    await pooler.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { url: app.href, stop }
}
