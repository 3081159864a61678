import * as z from 'zod/mini'
import type { Call } from '../call.ts'
import type { HookPoint } from '../domain/hook.ts'
import { type HookCallFacts, hookCall, recordCall } from '../domain/hook-call.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { log } from '../log.ts'
import { once } from '../once.ts'
import { claimsShape, type MappedClaims } from '../people/create-identity.ts'
import { type HookRow, listHooks } from '../queries/hooks.ts'
import type { Person } from '../queries/person.ts'
import { callHook, HOOK_MS } from '../sso/call-hook.ts'

/** What hooks receive about a sign-in. */
export type SignInFacts = {
  method: string
  /** Slug of the connection it came through. */
  connection?: string
  platform: string
  /** All factors proven so far, such as `otp` and `oidc:acme`. */
  proofs: string[]
  /** Undefined before a first sign-in. */
  person?: Pick<Person, 'uai' | 'email'>
  profile: {
    subject?: string
    email?: string
    email_verified?: boolean
    /** E.164. */
    phone_number?: string
    name?: string
    locale?: string
  }
}

const decisionShape = once(() => z.object({ decision: z.enum(['allow', 'deny', 'step_up']) }))

function messageOf(point: HookPoint, id: string, facts: SignInFacts, call: Call) {
  const { person, ...rest } = facts
  const request = { id: call.request.id, ip: call.request.clientIp, user_agent: call.request.userAgent }
  const data = { ...rest, uai: person?.uai ?? null, email: person?.email ?? facts.profile.email ?? null, request }
  return { type: point, id, timestamp: call.now().toISOString(), data }
}

type Called = { body?: Record<string, unknown> }

/** Calls one hook and records its response. */
async function askHook(
  call: Call,
  { id: hookId, settings, secret }: HookRow,
  facts: SignInFacts,
  timeoutMs: number,
): Promise<Called> {
  const { point, url } = settings
  const id = newId()
  const opened = call.gateway.ring.open('hook-secret', secret ?? new Uint8Array(), hookId).toString()
  const answer = await callHook(call.gateway, {
    url,
    secret: opened,
    id,
    message: messageOf(point, id, facts, call),
    timeoutMs,
  })
  const { milliseconds } = answer
  const body = answer.answered ? answer.body : undefined
  const decision = body && decisionShape().safeParse(body).data?.decision
  const asked = point === 'before-sign-in' || point === 'provision-user'
  const claims =
    point === 'map-claims' && body ? Object.keys(claimsShape().safeParse(body.claims).data ?? {}) : undefined
  const failure = answer.answered ? (asked && !decision ? 'no_decision' : undefined) : answer.failure
  const outcome = failure ? 'failed' : 'answered'
  const recorded: HookCallFacts = { hookId, point, outcome, decision, claims, failure, milliseconds }
  await commit(call, async (work) => {
    work.actor = { type: 'system', id: 'hooks' }
    work.start(hookCall, id, facts.person ? aboutPerson(facts.person) : {}).decide(() => recordCall(recorded))
  })
  return { body: failure ? undefined : body }
}

/** Calls the hooks of a point in order; one that does not respond by the deadline is skipped or ends the sign-in. */
async function ask(
  call: Call,
  hooks: HookRow[],
  point: HookPoint,
  { deadline, ...facts }: SignInFacts & { deadline: number },
): Promise<{ hook: HookRow; body: Record<string, unknown> }[]> {
  const answers: { hook: HookRow; body: Record<string, unknown> }[] = []
  for (const hook of hooks.filter(({ settings }) => settings.point === point)) {
    const { body } = await askHook(call, hook, facts, Math.max(1, deadline - performance.now()))
    if (body) answers.push({ hook, body })
    else if (hook.settings.on_failure === 'closed')
      throw new GatewayError('hook_unavailable', { reason: `hook ${hook.settings.name}`, retryAfter: 5 })
  }
  return answers
}

async function mayGo(...args: Parameters<typeof ask>): Promise<void> {
  for (const { hook, body } of await ask(...args)) {
    const { decision } = decisionShape().parse(body)
    const refused = `hook ${hook.settings.name}`
    const description = typeof body.reason === 'string' ? body.reason.slice(0, 200) : undefined
    if (decision === 'deny') throw new GatewayError('sign_in_denied', { reason: refused, description })
    if (decision === 'step_up') throw new GatewayError('more_proof_needed', { reason: refused })
  }
}

/** Returns the roles and organizations that the hook may assign. */
function allowed({ settings: { roles, organizations } }: HookRow, body: Record<string, unknown>): MappedClaims {
  const { role, organization_id, ...claims } = claimsShape().safeParse(body.claims).data ?? {}
  return {
    ...claims,
    ...(role && roles.includes(role) && { role }),
    ...(organization_id && organizations.includes(organization_id) && { organization_id }),
  }
}

/** Returns the hooks for sign-ins through a connection and for all sign-ins. */
export async function hooksFor({ reads }: Gateway, connection: string | undefined): Promise<HookRow[]> {
  const all = await listHooks(reads)
  return all.filter(({ settings: { connections } }) =>
    connections.length === 0 ? true : connection !== undefined && connections.includes(connection),
  )
}

/**
 * Calls the hooks before a sign-in, within one time limit: whether to create a new person, whether to continue, and with which claims.
 * @throws GatewayError not_provisioned, sign_in_denied, more_proof_needed, hook_unavailable
 */
export async function beforeSignIn(call: Call, hooks: HookRow[], facts: SignInFacts): Promise<MappedClaims> {
  const asked = { ...facts, deadline: performance.now() + HOOK_MS }
  if (!facts.person) await mayGo(call, hooks, 'provision-user', asked)
  await mayGo(call, hooks, 'before-sign-in', asked)
  const answers = await ask(call, hooks, 'map-claims', asked)
  return Object.assign({}, ...answers.map(({ hook, body }) => allowed(hook, body)))
}

/** Calls the hooks after a sign-in, without waiting for them. */
export function afterSignIn(call: Call, hooks: HookRow[], facts: SignInFacts): void {
  for (const hook of hooks.filter(({ settings }) => settings.point === 'after-sign-in'))
    call.later(
      askHook(call, hook, facts, HOOK_MS).catch((error: unknown) => log.error('a hook could not be called', { error })),
    )
}
