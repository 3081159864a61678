import type { Call } from '../call.ts'

const KNOWN = new Set(['lanonasis-maas', 'maas', 'mcp', 'cli', 'dashboard', 'app_maas_dashboard'])
const DEFAULT = 'lanonasis-maas'

/** Returns the requested project scope if it is known, else the default (docs/wire-contract.md 3.6). */
export function projectScope(requested: string | undefined): string {
  return requested && (KNOWN.has(requested) || /^app_[a-z0-9_]{1,40}$/.test(requested)) ? requested : DEFAULT
}

/** Returns the project scope of a request: the given one, or that of its header. */
export const requestedScope = (call: Call, given?: string): string =>
  projectScope(given ?? call.request.header('x-project-scope'))
