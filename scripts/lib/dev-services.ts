import path from 'node:path'
import { LOCAL_TWILIO } from '../mailbox/twilio-api.ts'
import { denoBinary } from './platform-binary.ts'
import { createService, type Service } from './service.ts'

interface DevPorts {
  gateway: number
  functions: number
  mailbox: number
  supabase: number
}

export interface DevServices {
  gateway: Service
  functions: Service
  mailbox: Service
  /** Undefined if a real Supabase project is configured. */
  supabase?: Service
}

/** The publishable key of the stand-in for Supabase Auth. */
export const LOCAL_PUBLISHABLE_KEY = 'sb_publishable_local'

/** Returns the local mailbox, a stand-in for Supabase Auth, edge functions under Deno and the gateway, connected to each other. Process ids are in `folder`. */
export function devServices(
  folder: string,
  ports: DevPorts,
  environment: NodeJS.ProcessEnv,
  say: (name: string) => (line: string) => void,
) {
  const env: NodeJS.ProcessEnv = { ...environment, DATABASE_MIGRATION_URL: undefined }
  const node = (file: string) => ({ command: process.execPath, args: ['--import', 'tsx', file] })
  const pidFile = (name: string) => path.resolve(folder, `${name}.pid`)
  const services: DevServices = {
    mailbox: createService({
      name: 'the mailbox',
      port: ports.mailbox,
      portVariable: 'MAILBOX_PORT',
      ...node('scripts/mailbox.ts'),
      env: {
        ...env,
        ...mailEnvironment(env, ports.mailbox),
        MAILBOX_PORT: String(ports.mailbox),
        RESEND_API_KEY: undefined,
      },
      pidFile: pidFile('mailbox'),
      log: say('mailbox'),
    }),
    supabase:
      env.SUPABASE_URL !== `http://127.0.0.1:${ports.supabase}`
        ? undefined
        : createService({
            name: 'the stand-in for Supabase Auth',
            port: ports.supabase,
            portVariable: 'SUPABASE_AUTH_PORT',
            ...node('scripts/supabase-auth.ts'),
            env: { ...env, ...mailEnvironment(env, ports.mailbox), SUPABASE_AUTH_PORT: String(ports.supabase) },
            pidFile: pidFile('supabase'),
            log: say('supabase'),
          }),
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
      ...node('netlify/server.ts'),
      env: { ...env, PORT: String(ports.gateway) },
      pidFile: pidFile('gateway'),
      log: say('gateway'),
    }),
  }
  return services
}

// With real provider keys, messages are really sent; otherwise they go to the mailbox.
function mailEnvironment(env: NodeJS.ProcessEnv, mailboxPort: number): NodeJS.ProcessEnv {
  const mailbox = `http://127.0.0.1:${mailboxPort}`
  const mail = { RESEND_API_KEY: 're_local_mailbox', RESEND_BASE_URL: mailbox }
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
