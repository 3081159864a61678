import { Refusal } from './http.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Returns the value of a variable. @throws Refusal 500 that names the variable in the log only */
export function required(env: Env, name: string): string {
  const value = env[name]?.trim()
  if (!value) throw misconfigured(`${name} is not set`)
  return value
}

/** Creates the refusal for an error that only the operator can fix; retrying the same request does not help. */
export function misconfigured(detail: string): Refusal {
  return new Refusal(500, 'misconfigured', 'This function is not set up.', { detail })
}

/** Returns the base URL of a provider: the setting or the default. Only a local URL may use http. */
export function providerUrl(env: Env, name: string, own: string): string {
  const setting = env[name]?.trim() || own
  if (!URL.canParse(setting)) throw misconfigured(`${name} is not a URL`)
  const url = new URL(setting)
  const local = ['localhost', '127.0.0.1', 'host.docker.internal'].includes(url.hostname)
  if (url.protocol !== 'https:' && !local) throw misconfigured(`${name} must be https`)
  return setting.replace(/\/+$/, '')
}
