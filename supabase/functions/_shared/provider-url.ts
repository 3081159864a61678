import { type Env, misconfigured } from './env.ts'

/** Returns the base URL of a provider: the setting or the default. Only a local URL may use http. */
export function providerUrl(env: Env, name: string, own: string): string {
  const setting = env[name]?.trim() || own
  if (!URL.canParse(setting)) throw misconfigured(`${name} is not a URL`)
  const url = new URL(setting)
  const local = ['localhost', '127.0.0.1', 'host.docker.internal'].includes(url.hostname)
  if (url.protocol !== 'https:' && !local) throw misconfigured(`${name} must be https`)
  return setting.replace(/\/+$/, '')
}
