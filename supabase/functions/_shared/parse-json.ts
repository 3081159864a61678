import { Refusal } from './http.ts'

/** @throws Refusal 400 */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new Refusal(400, 'json_invalid', 'The body is not valid JSON.')
  }
}
