import { freePort } from '../../scripts/lib/ports.ts'
import { openWorkshop } from './certificates.ts'
import { AUTH_HOST, MTLS_HOST, newProxySecret, startNginx } from './nginx.ts'
import { startPooler } from './pooler.ts'
import { buildServer, type ServerProcess } from './server-process.ts'

export type ScaledOut = {
  /** The database through PgBouncer. */
  databaseUrl: string
  /** Starts the processes and nginx before them, which listens on this port without TLS. */
  serve(port: number, env: NodeJS.ProcessEnv): Promise<void>
  processes: ServerProcess[]
  /** Starts one again that has ended. */
  restart(index: number): Promise<void>
  stop(): Promise<void>
}

/** The gateway as several processes behind nginx, in front of PgBouncer, all with the shipped configuration. */
export async function scaleOut(appUrl: string, count = 2, poolSize = 6): Promise<ScaledOut> {
  const [pooler, built] = await Promise.all([startPooler(appUrl, poolSize), buildServer()])
  const workshop = openWorkshop()
  const authority = workshop.authority('servers')
  const processes: ServerProcess[] = []
  const environments: NodeJS.ProcessEnv[] = []
  let nginx: Awaited<ReturnType<typeof startNginx>> | undefined
  const restart = async (index: number) => {
    processes[index] = await built.start(environments[index] ?? {})
  }
  return {
    databaseUrl: pooler.url,
    processes,
    restart,
    async serve(port, env) {
      const ports = await Promise.all(Array.from({ length: count }, freePort))
      for (const one of ports) environments.push({ ...env, PORT: String(one) })
      await Promise.all(environments.map((_, index) => restart(index)))
      nginx = await startNginx({
        serverCertificate: authority.issue('/CN=proxy', {
          names: [`DNS:${AUTH_HOST}`, `DNS:${MTLS_HOST}`],
          usage: 'serverAuth',
        }),
        clientAuthority: authority,
        gateway: { ports, proxySecret: newProxySecret() },
        plainPort: port,
      })
    },
    async stop() {
      await nginx?.stop()
      for (const { kill } of processes) kill('SIGTERM')
      await Promise.all(processes.map(({ exited }) => exited))
      await pooler.stop()
      await built.remove()
      workshop.remove()
    },
  }
}
