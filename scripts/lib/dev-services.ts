import path from 'node:path'
import { LOCAL_TWILIO } from '../mailbox/twilio-api.ts'
import { LOCAL_RESEND_KEY, startMailbox } from '../mailbox.ts'
import { DEMO_USERS } from '../supabase-auth/app.ts'
import { mailThrough, startSupabaseAuth } from '../supabase-auth.ts'
import { denoBinary } from './platform-binary.ts'
import { requireFreePort } from './ports.ts'
import { createService } from './service.ts'

type DevPorts = { gateway: number; functions: number; mailbox: number; supabase: number }

/**
 * Starts the local mailbox and, unless a real Supabase project is configured, a stand-in for Supabase Auth, in this process.
 * @returns whether the stand-in for Supabase Auth runs
 */
export async function startStandIns(ports: DevPorts, env: NodeJS.ProcessEnv): Promise<boolean> {
  await requireFreePort(ports.mailbox, 'the mailbox', 'MAILBOX_PORT')
  const secret = env.RESEND_WEBHOOK_SECRET
  const webhook = secret ? { url: `${env.AUTH_BASE_URL}/v1/delivery/resend`, secret } : undefined
  const mailbox = await startMailbox({ port: ports.mailbox, apiKey: LOCAL_RESEND_KEY, webhook })
  if (env.SUPABASE_URL !== `http://127.0.0.1:${ports.supabase}`) return false
  await requireFreePort(ports.supabase, 'the stand-in for Supabase Auth', 'SUPABASE_AUTH_PORT')
  const auth = await startSupabaseAuth({
    port: ports.supabase,
    publishableKey: env.SUPABASE_ANON_KEY ?? '',
    send: mailThrough(mailbox.url, LOCAL_RESEND_KEY),
  })
  for (const user of DEMO_USERS) auth.add(user)
  return true
}

export type DevServices = ReturnType<typeof devServices>

/** Returns the edge functions under Deno and the gateway, connected to each other and the mailbox. Process ids are in `folder`. */
export function devServices(
  folder: string,
  ports: DevPorts,
  environment: NodeJS.ProcessEnv,
  say: (name: string) => (line: string) => void,
) {
  const env: NodeJS.ProcessEnv = { ...environment, DATABASE_MIGRATION_URL: undefined }
  const pidFile = (name: string) => path.resolve(folder, `${name}.pid`)
  return {
    functions: createService({
      name: 'the edge functions',
      port: ports.functions,
      portVariable: 'FUNCTIONS_PORT',
      command: denoBinary(),
      args: denoArguments(),
      env: {
        DENO_TLS_CA_STORE: 'mozilla,system',
        ...env,
        ...mailEnvironment(env, ports.mailbox),
        PORT: String(ports.functions),
      },
      pidFile: pidFile('functions'),
      log: say('functions'),
    }),
    gateway: createService({
      name: 'the gateway',
      port: ports.gateway,
      portVariable: 'PORT',
      command: process.execPath,
      args: ['--import', 'tsx', 'netlify/server.ts'],
      env: { ...env, PORT: String(ports.gateway) },
      pidFile: pidFile('gateway'),
      log: say('gateway'),
    }),
  }
}

// With real provider keys, messages are really sent; otherwise they go to the mailbox.
function mailEnvironment(env: NodeJS.ProcessEnv, mailboxPort: number): NodeJS.ProcessEnv {
  const mailbox = `http://127.0.0.1:${mailboxPort}`
  const mail = { RESEND_API_KEY: LOCAL_RESEND_KEY, RESEND_BASE_URL: mailbox }
  const texts = {
    TWILIO_ACCOUNT_SID: LOCAL_TWILIO.accountSid,
    TWILIO_AUTH_TOKEN: LOCAL_TWILIO.authToken,
    TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}`,
    TWILIO_BASE_URL: mailbox,
  }
  return {
    DELIVERY_STATUS_URL: `${env.AUTH_BASE_URL}/v1/delivery`,
    OTP_EMAIL_FROM: env.OTP_EMAIL_FROM ?? 'LanOnasis <sign-in@lanonasis.test>',
    REPLAY_GUARD: 'gateway',
    SUPABASE_DB_URL: env.DATABASE_URL,
    ...(env.RESEND_API_KEY ? {} : mail),
    ...(env.TWILIO_ACCOUNT_SID ? {} : texts),
  }
}

function denoArguments(): string[] {
  const folder = path.resolve('supabase/functions')
  const permissions = ['--no-prompt', '--allow-net', '--allow-env', `--allow-read=${folder}`]
  return ['run', '--quiet', '--config', `${folder}/deno.json`, ...permissions, `${folder}/_shared/local-server.ts`]
}
