import { loadFunctions } from '../netlify/listen.ts'
import { createMatcher, readRedirects } from '../netlify/redirects.ts'
import type { Accepts, Route } from '../shared/http/route.ts'
import { partProgram } from './lib/generated-part.ts'

const TARGET = 'docs/authority.md'
const USAGE = `npm run authority

Writes the table of all routes and what they accept into ${TARGET}.`

const CALLERS: Record<string, string> = { first_party: 'own application', api_key: 'API key' }

function scopesOf({ scope, keyScope, serviceScope, operator }: Accepts): string {
  const key = keyScope === null ? 'none for API keys' : keyScope && `\`${keyScope}\` for API keys`
  const role = operator && (operator === 'platform' ? 'operator of all organizations' : 'operator')
  return [scope && `\`${scope}\``, key, serviceScope && `\`${serviceScope}\` for services`, role]
    .filter(Boolean)
    .join(', ')
}

function cells({ door, callers, audience, recent, operator, page, namesPeople, ...rest }: Accepts): string[] {
  const who = callers.map((one) => CALLERS[one] ?? one).join(', ')
  const isToken = callers.some((one) => one !== 'browser' && one !== 'api_key')
  return [
    page ? `${door} page` : door,
    who || '–',
    isToken ? audience : '–',
    scopesOf({ door, callers, audience, operator, ...rest }) + (namesPeople ? ' (no pairwise clients)' : '') || '–',
    operator ? 'stepped up' : (recent ?? '–'),
  ]
}

/** Every route and what it accepts, as a Markdown table. */
export function authorityTable(routes: readonly Route[]): string {
  const functionOf = createMatcher(readRedirects('netlify.toml'))
  const rows = routes.flatMap(({ method, path, spec }) =>
    spec.authority.accepts.map(
      (accepts) =>
        `| \`${method} ${path.replaceAll('|', '\\|')}\` | \`${functionOf(path)}\` | ${cells(accepts).join(' | ')} |`,
    ),
  )
  const head = [
    '| Route | Function | Door | Callers | Tokens for | Needs | Recent authentication |',
    '|---|---|---|---|---|---|---|',
  ]
  return [...head, ...[...new Set(rows)].sort()].join('\n')
}

/** All routes of all functions. */
export async function allRoutes(): Promise<Route[]> {
  const functions = await loadFunctions(readRedirects('netlify.toml'))
  return [...functions.values()].flatMap(({ app }) => app?.routes ?? [])
}

export const authority = await partProgram(import.meta.url, USAGE, {
  file: TARGET,
  name: 'authority',
  make: async () => authorityTable(await allRoutes()),
})
