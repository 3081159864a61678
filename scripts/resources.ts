import {
  changeResource,
  protectedResource,
  registerResource,
  removeResource,
} from '../shared/domain/protected-resource.ts'
import type { Gateway } from '../shared/gateway.ts'
import { newId } from '../shared/ids.ts'
import { parseScope } from '../shared/oauth/token/scope.ts'
import { listResources } from '../shared/queries/authorizations.ts'
import { act, decideAsOperator, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { RefusedError, table, UsageError } from './lib/terminal.ts'

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

const options = { name: { type: 'string' }, scope: { type: 'string' }, reason: { type: 'string' } } as const
type Call = OperatorCall<typeof options>

/** Operator command: manages resource servers. */
export const resources = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs: (action) => (action === 'list' ? undefined : 'Which resource? Give its identifier'),
  actions: {
    async list() {},

    async add({ gateway, what: identifier, flags: { name, scope } }: Call) {
      if (!name || !scope) throw new UsageError('add needs --name and --scope')
      checkIdentifier(identifier)
      const scopes = scopesOf(scope)
      await act(gateway, async (work) => {
        const known = await listResources(gateway.reads)
        if (known.some((one) => one.identifier === identifier))
          throw new RefusedError(`There is already a resource "${identifier}"`)
        work
          .start(protectedResource, newId(), {})
          .decide(() => registerResource({ identifier, name, scopes, isDefault: false }))
      })
    },

    async change({ gateway, what, flags: { name, scope } }: Call) {
      if (!name && !scope) throw new UsageError('change needs --name or --scope')
      const scopes = scope === undefined ? undefined : scopesOf(scope)
      const { id } = await existing(gateway, what)
      await decideAsOperator(gateway, protectedResource, id, (state) => changeResource(state, { name, scopes }))
    },

    async remove({ gateway, what, flags: { reason = 'operator' } }: Call) {
      const { id, is_default } = await existing(gateway, what)
      if (is_default) throw new RefusedError('The default resource cannot be removed')
      await decideAsOperator(gateway, protectedResource, id, (state) => removeResource(state, reason))
    },
  },
  async print(_, { gateway }) {
    const rows = (await listResources(gateway.reads)).map(({ identifier, name, scopes, is_default }) => ({
      identifier,
      name,
      scope: scopes.join(' '),
      default: is_default ? 'yes' : '',
    }))
    return { json: rows, text: table(rows) }
  },
})
