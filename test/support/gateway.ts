import { randomBytes } from 'node:crypto'
import type { Context } from '@netlify/functions'
import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll } from 'vitest'
import { readRedirects } from '../../netlify/redirects.ts'
import type { GatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { freePort } from '../../scripts/lib/ports.ts'
import { createCall } from '../../shared/call.ts'
import { apiClient, type ClientMetadata, registerClient } from '../../shared/domain/api-client.ts'
import { commit } from '../../shared/events/commit.ts'
import type { Gateway } from '../../shared/gateway.ts'
import type { FunctionHandler } from '../../shared/http/serve.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import { type CodeInbox, startCodeInbox } from './codes.ts'
import { createTestDatabase } from './database.ts'
import { type ScaledOut, scaleOut } from './scale-out.ts'
import { countStatements } from './statement-counter.ts'

/** The webhook secret of the gateway under test. */
export const WEBHOOK_SECRET = `v1,whsec_${Buffer.from('a test of messages in flight!!!!').toString('base64')}`

/** Header with the caller's address, so that each test has its own rate limits. */
export const IP_HEADER = 'x-real-ip'

export interface TestGateway {
  /** The issuer, where the server listens. */
  url: string
  inbox: CodeInbox
  database: GatewayDatabase
  /** Superuser connection to the gateway's database. */
  sql: postgres.Sql
  gateway: Gateway
  /** The processes, with SCALED_OUT. */
  scaled: ScaledOut | undefined
  /** The number of statements sent since the last call, or their text. Only with `countStatements`. */
  takeStatements(): number
  takeStatementTexts(): string[]
  stop(): Promise<void>
}

export type TestGatewayOptions = {
  env?: Record<string, string>
  /** Instead of a cloned database. */
  database?: GatewayDatabase
  countStatements?: boolean
  /** The host of the issuer; passkeys need a name. */
  host?: 'localhost'
  /** Instead of the stand-in for the edge function. */
  functionsUrl?: string
}

/**
 * Starts the gateway of this test file before its tests and stops it after them, in the order of vitest's hooks: what the options
 * need is started by a `beforeAll` above this call, what needs the gateway by one below. Its members exist once it has started.
 */
export function useGateway(options: TestGatewayOptions | (() => TestGatewayOptions) = {}): TestGateway {
  const gateway = {} as TestGateway
  beforeAll(async () => {
    Object.assign(gateway, await startGateway(typeof options === 'function' ? options() : options))
  })
  afterAll(() => gateway.stop?.())
  return gateway
}

/**
 * Starts a gateway: a database of its own, every function behind one listener. Call it once per file and before anything imports a
 * function, since the configuration is read once per process. With SCALED_OUT in the environment it is two processes behind nginx
 * and PgBouncer instead.
 */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const cloned = options.database ? undefined : await createTestDatabase()
  const database = options.database ?? cloned
  if (!database) throw new Error('no database')
  const counter = options.countStatements ? await countStatements(database.appUrl) : undefined
  const appUrl = counter?.url ?? database.appUrl
  const scaled = process.env.SCALED_OUT ? await scaleOut(appUrl) : undefined
  const inbox = await startCodeInbox(WEBHOOK_SECRET)
  const port = await freePort()
  const url = `http://${options.host ?? '127.0.0.1'}:${port}`
  Object.assign(process.env, {
    NODE_ENV: 'test',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    AUTH_BASE_URL: url,
    DATABASE_URL: scaled?.databaseUrl ?? appUrl,
    AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
    SUPABASE_FUNCTIONS_URL: options.functionsUrl ?? inbox.url,
    OTP_WEBHOOK_SECRET: WEBHOOK_SECRET,
    CLIENT_IP_HEADER: IP_HEADER,
    ...options.env,
  })
  const { createServer, loadFunctions } = await import('../../netlify/listen.ts')
  const { closeGateway, startGateway } = await import('../../shared/gateway.ts')
  const { described, undescribed } = await import('./described.ts')
  const loaded = await loadFunctions(readRedirects(new URL('../../netlify.toml', import.meta.url)))
  const functions = new Map([...loaded].map(([name, handle]) => [name, described(handle)]))
  await scaled?.serve(port, process.env)
  const server = scaled ? undefined : await createServer({ port, functions })
  const takeTexts = () => {
    if (!counter) throw new Error('this gateway was started without countStatements')
    return counter.taken()
  }
  const sql = postgres(database.superuserUrl, { max: 2, onnotice: () => {} })
  return {
    url,
    inbox,
    database,
    sql,
    gateway: await startGateway(),
    scaled,
    takeStatements: () => takeTexts().length,
    takeStatementTexts: takeTexts,
    stop: async () => {
      await server?.close()
      await scaled?.stop()
      await closeGateway()
      await inbox.stop()
      await sql.end({ timeout: 1 })
      await counter?.stop()
      await cloned?.drop()
      const wrong = [...new Set(undescribed.splice(0))]
      if (wrong.length > 0) throw new Error(wrong.join('\n'))
    },
  }
}

/** Calls one function as the platform does. */
export function call(handle: FunctionHandler, request: Request, ip = randomIp()): Promise<Response> {
  const headers = new Headers(request.headers)
  if (!headers.has(IP_HEADER)) headers.set(IP_HEADER, ip)
  const context = { ip, requestId: 'test', params: {}, geo: {}, waitUntil: () => {} }
  return handle(new Request(request, { headers }), context as unknown as Context)
}

/** An address of the test network that is unique in this run. */
export function randomIp(): string {
  const [a, b, c] = randomBytes(3)
  return `10.${a}.${b}.${c}`
}

/** An e-mail address that is unique in this run. */
export function newEmail(name = 'ada'): string {
  return `${name}.${randomBytes(6).toString('hex')}@example.com`
}

/** A stored event, as far as tests look at it. */
export type SeenEvent = { event_type: string; data: Record<string, unknown>; stream_id: string; metadata: object }

/** The events of a kind of stream, oldest first, of one stream when its id is given. */
export function eventsOf({ sql }: TestGateway, streamType: string, streamId?: string): Promise<SeenEvent[]> {
  return sql<SeenEvent[]>`
    select event_type, data, stream_id, metadata from auth_gateway.event_store
    where stream_type = ${streamType} and (${streamId ?? null}::uuid is null or stream_id = ${streamId ?? null}::uuid)
    order by position`
}

/** Registers an application; a confidential one gets the secret `a secret: +%`. */
export async function addClient(
  { gateway }: TestGateway,
  clientId: string,
  metadata: Partial<ClientMetadata> = {},
  firstParty = false,
): Promise<{ client_id: string; client_secret: string; redirect_uri: string }> {
  const client_secret = 'a secret: +%'
  const redirect_uri = metadata.redirect_uris?.[0] ?? 'https://app.example/callback'
  await commit(createCall(gateway), async (work) => {
    work.actor = { type: 'operator', id: 'test' }
    work.start(apiClient, uuidv7(), {}).decide(() =>
      registerClient({
        clientId,
        firstParty,
        origin: 'operator',
        secretHash: metadata.token_endpoint_auth_method === 'none' ? undefined : hashToken(client_secret),
        metadata: {
          client_name: clientId,
          application_type: 'web',
          token_endpoint_auth_method: 'client_secret_basic',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          redirect_uris: [redirect_uri],
          scope: 'openid profile email memories:read',
          default_scope: 'memories:read',
          ...metadata,
        },
      }),
    )
  })
  return { client_id: clientId, client_secret, redirect_uri }
}
