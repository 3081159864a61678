import { existsSync, watch } from 'node:fs'
import { styleText } from 'node:util'
import { banner } from './lib/dev-banner.ts'
import { type DevDatabase, devDatabase } from './lib/dev-database.ts'
import { devSecrets, forgetRunningDev, noteRunningDev, takeOver } from './lib/dev-folder.ts'
import { type DevServices, devServices, startStandIns } from './lib/dev-services.ts'
import { program, readFlags } from './lib/terminal.ts'
import { LOCAL_TWILIO } from './mailbox/twilio-api.ts'
import { LOCAL_PUBLISHABLE_KEY } from './supabase-auth.ts'

const USAGE = `npm run dev

Starts a database, the edge functions, a local mailbox, a stand-in for Supabase Auth and the gateway, and restarts the gateway when a
file changes. PORT (4000), FUNCTIONS_PORT, MAILBOX_PORT and SUPABASE_AUTH_PORT change the ports, DEV_DIRECTORY (.dev) the folder.
Operator commands use its database automatically.`
/** How long files must be unchanged before a restart. */
const QUIET_MILLISECONDS = 120
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const started = performance.now()
const say = (name: string) => (line: string) => console.log(`${styleText('dim', name.padEnd(9))} ${line}`)
const folder = process.env.DEV_DIRECTORY || '.dev'
const port = (name: string, fallback: number) => Number(process.env[name] || fallback)

let database: DevDatabase | undefined
let services: DevServices | undefined
let stopping = false

// One Ctrl-C sends several signals, through the terminal and through npm; a later one asks to stop at once.
async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  setTimeout(() => {
    for (const signal of SIGNALS) process.once(signal, () => process.exit(1))
  }, 500).unref()
  await services?.gateway.stop()
  await services?.functions.stop()
  await database?.stop()
  forgetRunningDev(folder)
  process.exit(exitCode)
}

async function environment(ports: Record<string, number>, databaseUrl: string): Promise<NodeJS.ProcessEnv> {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''))
  return {
    NODE_ENV: 'development',
    AUTH_BASE_URL: `http://localhost:${ports.gateway}`,
    SUPABASE_FUNCTIONS_URL: `http://127.0.0.1:${ports.functions}/functions/v1`,
    SUPABASE_URL: `http://127.0.0.1:${ports.supabase}`,
    SUPABASE_ANON_KEY: LOCAL_PUBLISHABLE_KEY,
    SMS_COUNTRIES: 'CH,DE,AT,FR,ES,PT,GB,US',
    TWILIO_AUTH_TOKEN: LOCAL_TWILIO.authToken,
    ...(await devSecrets(`${folder}/secrets.json`)),
    ...given,
    DATABASE_URL: databaseUrl,
  }
}

/** Calls `onChange` once after the files below `target` have changed and were quiet for a moment. */
function onFileChange(target: string, onChange: (file: string) => void): void {
  let timer: NodeJS.Timeout | undefined
  watch(target, { recursive: true }, (_event, file) => {
    if (file && /(^|[\\/])\.|~$|\.sw.$/.test(file)) return
    clearTimeout(timer)
    timer = setTimeout(() => onChange(file && file !== target ? `${target}/${file}` : target), QUIET_MILLISECONDS)
  })
}

async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env')
  const ports = {
    gateway: port('PORT', 4000),
    functions: port('FUNCTIONS_PORT', 54321),
    mailbox: port('MAILBOX_PORT', 4010),
    supabase: port('SUPABASE_AUTH_PORT', 4012),
  }
  if (new Set(Object.values(ports)).size < 4)
    throw new Error('PORT, FUNCTIONS_PORT, MAILBOX_PORT and SUPABASE_AUTH_PORT must differ')
  const others = await takeOver(`${folder}/dev.sock`, () => {
    say('dev')('another npm run dev takes over')
    void stop(0)
  })
  if (others) say('dev')('stopped the npm run dev that was already running here')
  const { DATABASE_URL, DATABASE_MIGRATION_URL } = process.env
  database = await devDatabase(
    folder,
    { applicationUrl: DATABASE_URL || undefined, ownerUrl: DATABASE_MIGRATION_URL || undefined },
    say('database'),
  )
  const env = await environment(ports, database.appUrl)
  noteRunningDev(folder, { ...env, PORT: String(ports.gateway), DATABASE_MIGRATION_URL: database.ownerUrl })
  const hasDemoUsers = await startStandIns(ports, env)
  services = devServices(folder, ports, env, say)
  const { gateway, functions } = services
  const ready = await Promise.all([functions.start(), gateway.start()])
  if (stopping) return
  if (ready.includes(false)) say('dev')('not everything started, see above; it restarts when a file changes')
  console.log(
    banner({
      issuer: env.AUTH_BASE_URL ?? '',
      mailboxUrl: `http://localhost:${ports.mailbox}`,
      functionsUrl: env.SUPABASE_FUNCTIONS_URL ?? '',
      hasDemoUsers,
      databaseUrl: database.ownerUrl,
      seconds: (performance.now() - started) / 1000,
    }),
  )
  const restart = (name: keyof DevServices) => (file: string) => {
    say(name)(`${file} changed`)
    void services?.[name].restart()
  }
  for (const target of ['netlify', 'shared', 'packages/auth-server/src', 'netlify.toml'])
    onFileChange(target, restart('gateway'))
  onFileChange('supabase/functions', restart('functions'))
  onFileChange('supabase/migrations', (file) => say('database')(`${file} changed: restart npm run dev to apply it`))
}

async function command(args: string[]): Promise<number> {
  readFlags(args, {})
  for (const signal of SIGNALS) process.on(signal, () => void stop(0))
  // A SIGKILL of the parent process does not reach this one.
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) void stop(0)
  }, 500).unref()
  await main().catch(async (error: unknown) => {
    console.error(error instanceof Error ? error.message || error : error)
    await stop(1)
  })
  return 0
}

/** Runs everything that development needs, with local stand-ins for external services. */
export const dev = await program(import.meta.url, USAGE, command, { alone: true })
