import { parseArgs } from 'node:util'
import { uuidv7 } from 'uuidv7'
import { newWebhookSecret } from '../shared/delivery/sign.ts'
import { addHook, HOOK_POINTS, type HookPoint, hook, removeHook, replaceHookSecret } from '../shared/domain/hook.ts'
import type { Gateway } from '../shared/gateway.ts'
import { type HookRow, listHookCalls, listHooks, organizationExists } from '../shared/queries/hooks.ts'
import { sealBytes } from '../shared/tokens/sealed.ts'
import { act, withGateway } from './lib/operator.ts'
import { program, RefusedError, runAsProgram, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run hooks -- list
npm run hooks -- add <name> --point ${HOOK_POINTS.join('|')} --url https://… [--on-failure open|closed] [--connection <slug>…]
  [--role <role>…] [--organization <id>…]
npm run hooks -- rotate-secret|remove|calls <name>

HTTP endpoints that are called when a person signs in, signed as Standard Webhooks. before-sign-in answers {"decision": "allow" |
"deny" | "step_up", "reason"?}, provision-user the same for new people, map-claims {"claims": {name, locale, role, plan, organization_id}};
--role and --organization name what it may assign. The secret is shown once. calls lists the results of the newest calls.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

const string = { type: 'string' } as const
const list = { type: 'string', multiple: true } as const
const options = {
  json: { type: 'boolean' },
  point: string,
  url: string,
  'on-failure': string,
  connection: list,
  role: list,
  organization: list,
  reason: string,
} as const
const PRIVILEGED = /admin|service_role/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type Call = { gateway: Gateway; name: string; flags: { [name in keyof typeof options]?: string | string[] | boolean } }

const seal = ({ derive }: Gateway, id: string, secret: string) =>
  sealBytes(derive('hook-secret'), Buffer.from(secret), id)

async function existing({ gateway, name }: Call): Promise<HookRow> {
  const found = (await listHooks(gateway.reads)).find(({ settings }) => settings.name === name)
  if (!found) throw new RefusedError(`There is no hook "${name}"`)
  return found
}

async function add({ gateway, name, flags }: Call): Promise<string> {
  const { point, url, connection = [], role = [], organization = [] } = flags
  const on_failure = flags['on-failure'] ?? (point === 'before-sign-in' ? 'closed' : 'open')
  if (!HOOK_POINTS.includes(point as HookPoint)) throw new UsageError(`--point is one of ${HOOK_POINTS.join(', ')}`)
  if (on_failure !== 'open' && on_failure !== 'closed') throw new UsageError('--on-failure is open or closed')
  const address = String(url ?? '')
  const local = /^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(address)
  if (!URL.canParse(address) || !(address.startsWith('https:') || local))
    throw new RefusedError('--url must be an https address')
  const roles = [role].flat().map(String)
  if (roles.some((one) => PRIVILEGED.test(one))) throw new RefusedError('A hook cannot assign a privileged role')
  const organizations = [organization].flat().map(String)
  for (const one of organizations)
    if (!UUID.test(one) || !(await organizationExists(gateway.reads, one)))
      throw new RefusedError(`There is no organization "${one}"`)
  const settings = {
    name,
    point: point as HookPoint,
    url: address,
    on_failure,
    connections: [connection].flat().map(String),
    roles,
    organizations,
  } as const
  const [id, secret] = [uuidv7(), newWebhookSecret()]
  await act(gateway, async (work) => {
    if ((await listHooks(gateway.reads)).some((one) => one.settings.name === name))
      throw new RefusedError(`There is already a hook "${name}"`)
    work.start(hook, id, {}).decide(() => addHook(settings, seal(gateway, id, secret)))
  })
  return secret
}

const actions: Record<string, (call: Call) => Promise<unknown>> = {
  add,
  async 'rotate-secret'(call) {
    const { id } = await existing(call)
    const secret = newWebhookSecret()
    await act(call.gateway, async (work) =>
      (await work.load(hook, id, {})).decide((state) => replaceHookSecret(state, seal(call.gateway, id, secret))),
    )
    return secret
  },
  async remove(call) {
    const { id } = await existing(call)
    await act(call.gateway, async (work) =>
      (await work.load(hook, id, {})).decide((state) => removeHook(state, String(call.flags.reason ?? 'operator'))),
    )
  },
  async calls(call) {
    return listHookCalls(call.gateway.reads, (await existing(call)).id)
  },
}

async function command(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [action = '', name, ...rest] = positionals
  const perform = actions[action]
  if ((!perform && action !== 'list') || rest.length > 0) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  if (perform && name === undefined) throw new UsageError('Which hook? Give its name')
  return withGateway(terminal, async (gateway) => {
    const done = perform && name !== undefined ? await perform({ gateway, name, flags }) : undefined
    const all = (await listHooks(gateway.reads)).map(({ settings }) => settings)
    const secret = typeof done === 'string' ? done : undefined
    const shown = Array.isArray(done) ? done : all
    if (flags.json) terminal.out(JSON.stringify(secret ? { secret, hooks: all } : shown, null, 2))
    else {
      const rows = shown.map((one) =>
        Object.fromEntries(
          Object.entries(one).map(([key, value]) => [
            key,
            String(value instanceof Date ? value.toISOString() : (value ?? '')),
          ]),
        ),
      )
      terminal.out(table(rows) || 'none yet')
      if (secret) terminal.out(`secret (shown once): ${secret}`)
    }
    return 0
  })
}

/** Operator command: manages sign-in hooks. */
export const hooks = program(USAGE, command)

await runAsProgram(import.meta.url, hooks)
