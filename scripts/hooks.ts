import { newWebhookSecret } from '../shared/delivery/sign.ts'
import { addHook, HOOK_POINTS, hook, removeHook, replaceHookSecret } from '../shared/domain/hook.ts'
import type { Gateway } from '../shared/gateway.ts'
import { newId } from '../shared/ids.ts'
import { type HookRow, listHookCalls, listHooks, organizationExists } from '../shared/queries/hooks.ts'
import { act, decideAsOperator, type OperatorCall, operatorProgram } from './lib/operator.ts'
import { RefusedError, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run hooks -- list
npm run hooks -- add <name> --point ${HOOK_POINTS.join('|')} --url https://… [--on-failure open|closed] [--connection <slug>…]
  [--role <role>…] [--organization <id>…]
npm run hooks -- rotate-secret|remove|calls <name>

HTTP endpoints that are called when a person signs in, signed as Standard Webhooks. before-sign-in answers {"decision": "allow" |
"deny" | "step_up", "reason"?}, provision-user the same for new people, map-claims {"claims": {name, locale, role, plan, organization_id}};
--role and --organization name what it may assign. The secret is shown once. calls lists the results of the newest calls.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

const string = { type: 'string' } as const
const strings = { type: 'string', multiple: true } as const
const options = {
  ...{ point: string, url: string, 'on-failure': string, reason: string },
  ...{ connection: strings, role: strings, organization: strings },
} as const
const PRIVILEGED = /admin|service_role/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type Call = OperatorCall<typeof options>
/** A new secret, the results of calls, or nothing but the hooks that there are now. */
type Result = { secret?: string; calls?: object[] }

const seal = ({ ring }: Gateway, id: string, secret: string) => ring.seal('hook-secret', Buffer.from(secret), id)

async function existing({ gateway, what: name }: Call): Promise<HookRow> {
  const found = (await listHooks(gateway.reads)).find(({ settings }) => settings.name === name)
  if (!found) throw new RefusedError(`There is no hook "${name}"`)
  return found
}

async function add({ gateway, what: name, flags }: Call): Promise<Result> {
  const { url = '', connection: connections = [], role: roles = [], organization: organizations = [] } = flags
  const point = HOOK_POINTS.find((one) => one === flags.point)
  if (!point) throw new UsageError(`--point is one of ${HOOK_POINTS.join(', ')}`)
  const on_failure = flags['on-failure'] ?? (point === 'before-sign-in' ? 'closed' : 'open')
  if (on_failure !== 'open' && on_failure !== 'closed') throw new UsageError('--on-failure is open or closed')
  const local = /^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(url)
  if (!URL.canParse(url) || !(url.startsWith('https:') || local))
    throw new RefusedError('--url must be an https address')
  if (roles.some((one) => PRIVILEGED.test(one))) throw new RefusedError('A hook cannot assign a privileged role')
  for (const one of organizations)
    if (!UUID.test(one) || !(await organizationExists(gateway.reads, one)))
      throw new RefusedError(`There is no organization "${one}"`)
  const settings = { name, point, url, on_failure, connections, roles, organizations } as const
  const [id, secret] = [newId(), newWebhookSecret()]
  await act(gateway, async (work) => {
    if ((await listHooks(gateway.reads)).some((one) => one.settings.name === name))
      throw new RefusedError(`There is already a hook "${name}"`)
    work.start(hook, id, {}).decide(() => addHook(settings, seal(gateway, id, secret)))
  })
  return { secret }
}

/** Operator command: manages sign-in hooks. */
export const hooks = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options,
  needs: (action) => (action === 'list' ? undefined : 'Which hook? Give its name'),
  actions: {
    list: async (): Promise<Result> => ({}),
    add,
    async 'rotate-secret'(call: Call): Promise<Result> {
      const { id } = await existing(call)
      const secret = newWebhookSecret()
      await decideAsOperator(call.gateway, hook, id, (state) =>
        replaceHookSecret(state, seal(call.gateway, id, secret)),
      )
      return { secret }
    },
    async remove(call: Call): Promise<Result> {
      const { id } = await existing(call)
      await decideAsOperator(call.gateway, hook, id, (state) => removeHook(state, call.flags.reason ?? 'operator'))
      return {}
    },
    async calls(call: Call): Promise<Result> {
      return { calls: await listHookCalls(call.gateway.reads, (await existing(call)).id) }
    },
  },
  async print({ secret, calls }, { gateway }) {
    const all = (await listHooks(gateway.reads)).map(({ settings }) => settings)
    const listed = table(calls ?? all) || 'none yet'
    if (!secret) return { json: calls ?? all, text: listed }
    return { json: { secret, hooks: all }, text: `${listed}\nsecret (shown once): ${secret}` }
  },
})
