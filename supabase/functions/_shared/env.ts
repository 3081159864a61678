import { Refusal } from './http.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** The value of a variable, or a 500 refusal that names the variable in the log and nothing to the caller. */
export function required(env: Env, name: string): string {
  const value = env[name]?.trim()
  if (!value) throw misconfigured(`${name} is not set`)
  return value
}

/** A fault that only the operator can mend; retrying the same request does not help. */
export function misconfigured(detail: string): Refusal {
  return new Refusal(500, 'misconfigured', 'This function is not set up.', { detail })
}
