import { isSameResource } from '../shared/access/resource.ts'
import {
  changeResource,
  protectedResource,
  registerResource,
  removeResource,
} from '../shared/domain/protected-resource.ts'
import { retireKey, signingKey } from '../shared/domain/signing-key.ts'
import type { Gateway } from '../shared/gateway.ts'
import { newId } from '../shared/ids.ts'
import { parseScope } from '../shared/oauth/token/scope.ts'
import { listResources } from '../shared/queries/authorizations.ts'
import { listSigningKeys } from '../shared/queries/signing-keys.ts'
import { supabaseIssuer } from '../shared/tokens/jwt.ts'
import { audiencePolicy } from './lib/audience-policy.ts'
import { act, decideAsOperator, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { RefusedError, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run resources -- list
npm run resources -- add <identifier> --name "…" --scope "…"
npm run resources -- add https://<ref>.supabase.co --supabase [--accounts <provider>] [--name "…"] [--scope "…"]
npm run resources -- change <identifier> [--name "…"] [--scope "…"]
npm run resources -- remove <identifier> [--reason "…"]
npm run resources -- policy <identifier>

Manages resource servers, such as MCP servers, that tokens can be issued for (RFC 8707). The identifier is the URL that clients call, and
the audience of their tokens. --scope is the least that a token needs there: a client that requests no scope gets it.
--supabase: the project takes tokens of its own form, signed by keys of its own (docs/guides/supabase.md); --accounts is the provider
under which people's user ids in that project are linked here. policy prints SQL for the project that lets in its own tokens only.
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

const options = {
  name: { type: 'string' },
  scope: { type: 'string' },
  reason: { type: 'string' },
  supabase: { type: 'boolean' },
  accounts: { type: 'string' },
} as const
type Call = OperatorCall<typeof options>

/** What `add` registers. Of a Supabase project, the name and scope have defaults. */
function newResource(identifier: string, { name, scope, supabase, accounts }: Call['flags']) {
  checkIdentifier(identifier)
  if (accounts && !supabase) throw new UsageError('--accounts goes with --supabase')
  if (!supabase) {
    if (!name || !scope) throw new UsageError('add needs --name and --scope')
    return { identifier, name, scopes: scopesOf(scope), isDefault: false }
  }
  const { host, origin } = new URL(identifier)
  if (origin !== identifier) throw new RefusedError('A Supabase project is named by its address without a path')
  const settings = accounts ? { accounts: accounts.toLowerCase() } : {}
  return { identifier, name: name ?? host, scopes: scopesOf(scope ?? 'openid'), isDefault: false, supabase: settings }
}

/** Operator command: manages resource servers. */
export const resources = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs: (action) => (action === 'list' ? undefined : 'Which resource? Give its identifier'),
  actions: {
    async list() {},

    async add({ gateway, what: identifier, flags }: Call) {
      const resource = newResource(identifier, flags)
      const id = newId()
      await act(gateway, async (work) => {
        const known = await listResources(gateway.reads)
        if (known.some((one) => isSameResource(one.identifier, identifier)))
          throw new RefusedError(`There is already a resource "${identifier}"`)
        work.start(protectedResource, id, {}).decide(() => registerResource(resource))
      })
      if (resource.supabase) await gateway.keys.publishedOf(id)
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
      const keys = (await listSigningKeys(gateway.reads)).filter(({ resource_id }) => resource_id === id)
      await act(gateway, async (work) => {
        const resource = await work.load(protectedResource, id, {})
        resource.decide((state) => removeResource(state, reason))
        for (const key of keys) {
          const stream = await work.load(signingKey, key.id, {})
          stream.decide((state) => retireKey(state, gateway.now()))
        }
      })
    },

    async policy({ gateway, what }: Call) {
      const { supabase, identifier } = await existing(gateway, what)
      if (!supabase) throw new RefusedError(`"${identifier}" is not a Supabase project`)
    },
  },
  async print(_, { gateway, action, what }) {
    if (action === 'policy') {
      const sql = audiencePolicy(what)
      return { json: { sql }, text: sql }
    }
    const rows = (await listResources(gateway.reads)).map(({ id, identifier, name, scopes, is_default, supabase }) => ({
      identifier,
      name,
      scope: scopes.join(' '),
      default: is_default ? 'yes' : '',
      ...(supabase && id && { issuer: supabaseIssuer(gateway.issuer, id) }),
    }))
    return { json: rows, text: table(rows.map((row) => ({ ...row, issuer: row.issuer ?? '' }))) }
  },
})
