import { parseArgs } from 'node:util'
import { uuidv7 } from 'uuidv7'
import {
  changeResource,
  protectedResource,
  registerResource,
  removeResource,
} from '../shared/domain/protected-resource.ts'
import type { Gateway } from '../shared/gateway.ts'
import { parseScope } from '../shared/oauth/scope.ts'
import { listResources } from '../shared/queries/authorizations.ts'
import { act, withGateway } from './lib/operator.ts'
import { program, RefusedError, runAsProgram, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run resources -- list
npm run resources -- add <identifier> --name "…" --scope "…"
npm run resources -- change <identifier> [--name "…"] [--scope "…"]
npm run resources -- remove <identifier> [--reason "…"]

Manages resource servers, such as MCP servers, that tokens can be issued for (RFC 8707). The identifier is the URL that clients call, and
the audience of their tokens. --scope is the least that a token needs there: a client that requests no scope gets it.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

/** @throws RefusedError when it cannot be a resource indicator (RFC 8707 section 2) */
function checkIdentifier(identifier: string): void {
  const url = URL.canParse(identifier) ? new URL(identifier) : undefined
  const local = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (!url || (url.protocol !== 'https:' && !local)) throw new RefusedError('The identifier must be an https address')
  if (identifier.includes('#') || url.username || url.password || url.search)
    throw new RefusedError('The identifier must have no query, fragment or credentials')
}

function scopesOf(text: string): string[] {
  const scopes = parseScope(text)
  if (!scopes || scopes.length === 0) throw new RefusedError('--scope must name at least one scope')
  return scopes
}

async function existing({ reads }: Gateway, identifier: string) {
  const found = (await listResources(reads)).find((one) => one.identifier === identifier)
  if (!found?.id) throw new RefusedError(`There is no resource "${identifier}"`)
  return { ...found, id: found.id }
}

type Flags = { name?: string; scope?: string; reason?: string }

const actions: Record<string, (gateway: Gateway, identifier: string, flags: Flags) => Promise<void>> = {
  async add(gateway, identifier, { name, scope }) {
    if (!name || !scope) throw new UsageError('add needs --name and --scope')
    checkIdentifier(identifier)
    const scopes = scopesOf(scope)
    await act(gateway, async (work) => {
      const known = await listResources(gateway.reads)
      if (known.some((one) => one.identifier === identifier))
        throw new RefusedError(`There is already a resource "${identifier}"`)
      work
        .start(protectedResource, uuidv7(), {})
        .decide(() => registerResource({ identifier, name, scopes, isDefault: false }))
    })
  },

  async change(gateway, identifier, { name, scope }) {
    if (!name && !scope) throw new UsageError('change needs --name or --scope')
    const scopes = scope === undefined ? undefined : scopesOf(scope)
    const { id } = await existing(gateway, identifier)
    await act(gateway, async (work) =>
      (await work.load(protectedResource, id, {})).decide((state) => changeResource(state, { name, scopes })),
    )
  },

  async remove(gateway, identifier, { reason = 'operator' }) {
    const { id, is_default } = await existing(gateway, identifier)
    if (is_default) throw new RefusedError('The default resource cannot be removed')
    await act(gateway, async (work) =>
      (await work.load(protectedResource, id, {})).decide((state) => removeResource(state, reason)),
    )
  },
}

async function command(args: string[], terminal: Terminal): Promise<number> {
  const string = { type: 'string' } as const
  const options = { json: { type: 'boolean' }, name: string, scope: string, reason: string } as const
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [action = '', identifier, ...rest] = positionals
  const perform = actions[action]
  if ((!perform && action !== 'list') || rest.length > 0) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  if (perform && identifier === undefined) throw new UsageError('Which resource? Give its identifier')
  return withGateway(terminal, async (gateway) => {
    if (perform && identifier !== undefined) await perform(gateway, identifier, flags)
    const known = await listResources(gateway.reads)
    const rows = known.map(({ identifier, name, scopes, is_default }) => ({
      identifier,
      name,
      scope: scopes.join(' '),
      default: is_default ? 'yes' : '',
    }))
    terminal.out(flags.json ? JSON.stringify(rows, null, 2) : table(rows))
    return 0
  })
}

/** Operator command: manages resource servers. */
export const resources = program(USAGE, command)

await runAsProgram(import.meta.url, resources)
