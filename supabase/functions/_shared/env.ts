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
