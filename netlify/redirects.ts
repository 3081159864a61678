import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'

export type Redirect = { from: string; functionName: string }

type Rule = { from: string; to: string; status?: number }
const FUNCTION_PATH = /^\/\.netlify\/functions\/([a-z0-9-]+)$/

/**
 * Reads the redirect table of a `netlify.toml`.
 * @throws {Error} if a rule is not a rewrite (status 200) to a function.
 */
export function readRedirects(file: string | URL): Redirect[] {
  const { redirects } = parse(readFileSync(file, 'utf8')) as unknown as { redirects: Rule[] }
  return redirects.map(({ from, to, status }) => {
    const functionName = FUNCTION_PATH.exec(to)?.[1]
    if (!functionName || status !== 200) throw new Error(`netlify.toml: ${from} is not a rewrite to a function`)
    return { from, functionName }
  })
}

function toPattern(from: string): RegExp {
  const source = from
    .replace(/\/\*$/, '')
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment.replace(/[.+?^${}()|[\]\\*]/g, '\\$&')))
    .join('/')
  return new RegExp(from.endsWith('/*') ? `^${source}(?:/.*)?$` : `^${source}/?$`)
}

/**
 * Matches paths as Netlify does: the first rule wins, `:name` matches one segment, a final `/*` matches any or no rest, and a
 * trailing slash is ignored.
 */
export function createMatcher(redirects: Redirect[]): (pathname: string) => string | undefined {
  const rules = redirects.map(({ from, functionName }) => ({ pattern: toPattern(from), functionName }))
  const match = (pathname: string) => rules.find(({ pattern }) => pattern.test(pathname))?.functionName
  const known = new Map(redirects.map(({ from }) => [from, match(from)]))
  return (pathname) => known.get(pathname) ?? match(pathname)
}
