import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, waitForPort } from '../../scripts/lib/ports.ts'
import { startProcess } from '../../scripts/lib/process.ts'
import type { Certificate } from './certificates.ts'

const SHIPPED = fileURLToPath(new URL('../../deploy/nginx/', import.meta.url))
const MODULE = '/usr/lib/nginx/modules/ngx_http_js_module.so'
const START_MS = 10_000

export const AUTH_HOST = 'auth.example.test'
export const API_HOST = 'api.example.test'
export const MTLS_HOST = 'mtls.auth.example.test'

export type NginxOptions = {
  /** For every server; its names must cover the hosts. */
  serverCertificate: Certificate
  /** The authority of client certificates. */
  clientAuthority: Certificate
  /** Ports of the gateway's processes, and the secret they share with the proxy. */
  gateway: { ports: number[]; proxySecret: string }
  /** Port of the API, which is served under API_HOST. */
  api?: { port: number }
  /** Services behind mutual TLS, by host name. */
  services?: Record<string, { port: number; proxySecret: string }>
  /** File of revoked certificates. */
  revocationList?: string
  /** Where to listen for TLS, when it must be known before the start. */
  port?: number
  /** Where to forward everything unchanged, without TLS, to the same upstream. */
  plainPort?: number
}

export type Nginx = {
  port: number
  httpPort: number
  /** What the gateway's servers logged so far. */
  accessLog(): string
  stop(): Promise<void>
}

/** A secret such as `MTLS_PROXY_SECRET`. */
export const newProxySecret = () => randomBytes(32).toString('base64')

function fill(template: string, values: Record<string, string>): string {
  return template.replace(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`nothing for ${name}`)
    return value
  })
}

/** Runs nginx with the shipped configuration, as Debian's main file would include it, on free ports in a directory of its own. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { serverCertificate, clientAuthority, gateway, services = {} } = options
  const [port, httpPort] = [options.port ?? (await freePort()), await freePort()]
  const directory = mkdtempSync(path.join(tmpdir(), 'nginx-'))
  mkdirSync(path.join(directory, 'sites'))
  const values = {
    CONFIG_DIR: directory,
    LISTEN_HTTPS: `127.0.0.1:${port}`,
    LISTEN_HTTP: `127.0.0.1:${httpPort}`,
    AUTH_HOST,
    MTLS_HOST,
    API_HOST,
    API_AUDIENCE: 'https://api.lanonasis.com',
    API_UPSTREAM: `127.0.0.1:${options.api?.port ?? 1}`,
    GATEWAY_SERVERS: gateway.ports.map((one) => `server 127.0.0.1:${one} fail_timeout=1s;`).join(' '),
    ACCESS_LOG: path.join(directory, 'access.log'),
    GATEWAY_SECRET_FILE: path.join(directory, 'gateway-secret.conf'),
    TLS_CERTIFICATE: serverCertificate.certFile,
    TLS_KEY: serverCertificate.keyFile,
    CLIENT_CA: clientAuthority.certFile,
  }
  const write = (name: string, text: string) => writeFileSync(path.join(directory, name), text)
  const writeSecret = (name: string, secret: string) => write(name, `set $mtls_proxy_secret "${secret}";\n`)
  const shipped = (name: string) => readFileSync(path.join(SHIPPED, name), 'utf8')
  const sites = ['http', 'auth-gateway', ...(options.api ? ['api-host'] : [])]
  const own = new Set(['mtls-service', 'api-host'])
  for (const file of readdirSync(SHIPPED)) {
    const name = path.basename(file, '.conf.template')
    if (file.endsWith('.js') || file.endsWith('.conf')) write(file, shipped(file))
    else if (sites.includes(name)) write(`sites/${name}.conf`, fill(shipped(file), values))
    else if (file.endsWith('.template') && !own.has(name)) write(`${name}.conf`, fill(shipped(file), values))
  }
  if (options.revocationList) write('revoked.conf', `ssl_crl ${options.revocationList};\n`)
  writeSecret('gateway-secret.conf', gateway.proxySecret)
  for (const [host, service] of Object.entries(services)) {
    writeSecret(`${host}-secret.conf`, service.proxySecret)
    const own = {
      SERVICE_HOST: host,
      SERVICE_UPSTREAM: `127.0.0.1:${service.port}`,
      SERVICE_SECRET_FILE: path.join(directory, `${host}-secret.conf`),
    }
    write(`sites/${host}.conf`, fill(shipped('mtls-service.conf.template'), { ...values, ...own }))
  }
  if (options.plainPort) write('sites/plain.conf', plainServer(options.plainPort))
  write('nginx.conf', mainFile(directory))

  const lines: string[] = []
  const nginx = startProcess({
    command: '/usr/sbin/nginx',
    args: ['-e', 'stderr', '-p', directory, '-c', path.join(directory, 'nginx.conf')],
    output: (line) => lines.push(line),
  })
  const started = await Promise.race([nginx.exited.then(() => false), waitForPort(port, START_MS)])
  const stop = async () => {
    await nginx.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  const accessLog = () => readFileSync(values.ACCESS_LOG, 'utf8')
  if (started) return { port, httpPort, accessLog, stop }
  await stop()
  throw new Error(`nginx did not start:\n${lines.join('\n')}`)
}

function plainServer(port: number): string {
  return `server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    location / { proxy_pass http://auth_gateway; }
  }`
}

function mainFile(directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return [
    `load_module ${MODULE};`,
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn;',
    'events { worker_connections 256; }',
    'http {',
    '  access_log off; ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;',
    ...temporary.map((name) => `  ${name}_temp_path ${directory}/${name};`),
    `  include ${directory}/sites/*.conf;`,
    '}',
  ].join('\n')
}

export type TlsCall = {
  /** Server name and Host; they may differ in a test of that. */
  host: string
  serverName?: string
  path?: string
  method?: string
  /** What the caller presents. */
  certificate?: Pick<Certificate, 'cert' | 'key'>
  /** The authority that the caller trusts. */
  ca: string
  headers?: Record<string, string>
  body?: string | URLSearchParams
}

export type TlsAnswer = { status: number; headers: Record<string, string | string[] | undefined>; text: string }

/** One request over a TLS connection of its own to a port of this machine, by the name it is served under. */
export function callTls(port: number, call: TlsCall): Promise<TlsAnswer> {
  const { host, serverName = host, certificate, ca, headers, body } = call
  const form = body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        servername: serverName,
        path: call.path ?? '/',
        method: call.method ?? 'GET',
        headers: { host, ...form, ...headers },
        ca,
        cert: certificate?.cert,
        key: certificate?.key,
        agent: false,
      },
      async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      },
    )
    request.on('error', reject)
    request.end(body?.toString())
  })
}
