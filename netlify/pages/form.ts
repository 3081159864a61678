import * as z from 'zod/mini'
import { browserKey, cookiesAreBlocked } from '../../shared/access/browser-key.ts'
import {
  ACTING_SECONDS,
  afterwards,
  type FormStates,
  formStatesOf,
  submissionName,
} from '../../shared/access/form-states.ts'
import { type FormToken, openFormToken, readFormToken } from '../../shared/access/form-token.ts'
import { catalogue, GatewayError } from '../../shared/errors.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { parseForm, readForm } from '../../shared/http/body.ts'
import { copy, errorText, fill, switchLanguage } from './copy.ts'
import type { FormError } from './form-parts.tsx'

/** How long a form that has acted, and may not act again, is remembered. */
const ONCE_SECONDS = 86_400

/** The token that every form carries, checked before the other fields are read. */
const formToken = () => ({ csrf: z.optional(z.string()) })

/** What a person typed, by field, for the page that shows it again. */
export type Typed = Record<string, string | undefined>

type Sent = {
  typed: Typed
  /** The values of a field that may be sent several times. */
  chosen?: (name: string) => string[]
}

export type Shown = Sent & {
  /** The error and its field. */
  error?: FormError
  notice?: string
  status?: number
}

/** Returns the part of an error that a form shows. */
export function formError(c: AppContext, error: GatewayError, field: FormError['field']): FormError {
  const { retryAfter: wait, work } = error.options
  const text = errorText(error)
  return { text, field, wait, ...(work && { work: { action: c.req.path, challenge: work } }) }
}

/** A form whose browser is not known any more: what it carries, when it was made, and what to say of it. */
export type Expired = Sent & { token?: FormToken; error: FormError }

/** The state of the tab in a form's token. */
export type Tab = { transaction?: string }

type Promised<Value> = Value | Promise<Value>

export type FormOptions<Schema extends z.ZodMiniObject, State> = {
  /** What is expected, which may depend on which fields were sent. */
  schema: Schema | ((typed: Typed) => Schema)
  /** Fields that may be sent several times; they always arrive as arrays. */
  repeatable?: readonly string[]
  /** What the form is about, if more than the browser: the session, or a session and a request. */
  about?: string | ((typed: Typed) => string | undefined)
  /** What the form goes on with, its tab unless given; where that is lost, the form begins again. */
  load?: (tab: Tab, typed: Typed) => Promised<State | undefined>
  /** The page, with what was typed and what is wrong with it; without it, each error has a page of its own. */
  render?: (shown: Shown, state: State) => Promised<Response>
  act: (input: z.output<Schema>, state: State) => Promised<Response>
  /** Begins again what has expired, from what the form carries; shows the page again unless given. */
  restart?: (expired: Expired) => Promised<Response>
  /** The answer to a form that has acted already and may not act twice. */
  once?: (typed: Typed) => Response
}

const loadOf = <Schema extends z.ZodMiniObject, State>({ load }: FormOptions<Schema, State>) =>
  load ?? ((tab: Tab) => tab as State)

/**
 * Answers a posted form: parses it once, checks that it is this browser's, and acts. An error that belongs beside a field (the column
 * of the error catalogue) is shown on the page again, with what was typed. A form that has expired, or whose cookie is lost, begins
 * again in place. Equal submissions never reach it (`createFormApp`).
 * @throws GatewayError csrf_invalid when another page sent it, and whatever is not shown beside a field
 */
export async function form<Schema extends z.ZodMiniObject, State = Tab>(
  c: AppContext,
  options: FormOptions<Schema, State>,
): Promise<Response> {
  const posted = await readForm(c)
  const site = c.req.header('sec-fetch-site') ?? 'unknown'
  if (!/^(same-origin|none|unknown)$/.test(site)) throw new GatewayError('csrf_invalid', { reason: 'a foreign page' })
  const typed: Typed = Object.fromEntries([...posted].map(([name, value]) => [name, value.slice(0, 8000)]))
  const sent: Sent = { typed, chosen: (name) => posted.getAll(name) }
  const about = typeof options.about === 'function' ? options.about(typed) : options.about
  const given = readFormToken(typed.csrf)
  const token = openFormToken(c.var.call, typed.csrf, about)
  c.var.call.notes.effort = { work: typed.altcha, token }
  // A page about no one yet only has to be ours, which the browser says: it goes on under a new key.
  const ours = given && about === undefined && site === 'same-origin' && browserKey(c.var.call) !== undefined
  // Whether it has acted is remembered for a day only.
  const aged =
    options.once && given && c.var.call.gateway.now().getTime() - given.madeAt.getTime() > ONCE_SECONDS * 1000
  const state = (token || ours) && !aged ? await loadOf(options)({ transaction: token?.transaction }, typed) : undefined
  if (state === undefined) return beginAgain(c, options, sent, given)
  if (options.render && (await switchLanguage(c, typed.language))) return options.render(sent, state)
  const go = () => attempt(c, options, posted, sent, state)
  const { once } = options
  return once
    ? actOnce(formStatesOf(c.var.call.gateway, browserKey(c.var.call) ?? about ?? ''), c, () => once(typed), go)
    : go()
}

/**
 * Acts unless an equal submission has. One that failed, or was shown again to be corrected, has not; nor has one that a broken connection or
 * an ended process left without a result, whose claim ends soon.
 * @throws GatewayError temporarily_unavailable while that claim lasts
 */
async function actOnce(states: FormStates, c: AppContext, once: () => Response, go: () => Promise<Response>) {
  const name = submissionName('done', c.req.path, await c.req.text())
  const { first, value } = await states.claim<true>(name, ACTING_SECONDS)
  if (!first && value) return once()
  if (!first) throw new GatewayError('temporarily_unavailable', { retryAfter: ACTING_SECONDS })
  let acted = false
  try {
    const answer = await go()
    acted = answer.status < 400
    return answer
  } finally {
    await afterwards(acted ? states.keep(name, true, ONCE_SECONDS) : states.forget(name))
  }
}

async function attempt<Schema extends z.ZodMiniObject, State>(
  c: AppContext,
  { schema, repeatable, act, render }: FormOptions<Schema, State>,
  posted: URLSearchParams,
  sent: Sent,
  state: State,
): Promise<Response> {
  try {
    const expected = typeof schema === 'function' ? schema(sent.typed) : schema
    return await act(parseForm(posted, z.extend(expected, formToken()), { repeatable }) as z.output<Schema>, state)
  } catch (error) {
    const field = error instanceof GatewayError ? catalogue[error.refusal].field : undefined
    if (!(error instanceof GatewayError) || !field || !render) throw error
    c.var.call.notes.refused = error
    return render({ ...sent, error: formError(c, error, field), status: error.status }, state)
  }
}

async function beginAgain<Schema extends z.ZodMiniObject, State>(
  c: AppContext,
  options: FormOptions<Schema, State>,
  sent: Sent,
  token: FormToken | undefined,
): Promise<Response> {
  const { render, restart } = options
  const refused = new GatewayError('csrf_invalid', { reason: 'expired, or of another browser' })
  c.var.call.notes.refused = refused
  const blocked = cookiesAreBlocked(c.var.call, token?.madeAt)
  const text = blocked
    ? fill(copy.form.cookies, { host: new URL(c.var.call.gateway.issuer).host }).join('')
    : copy.form.expired
  const error: FormError = { text, field: 'form' }
  if (restart) return restart({ ...sent, token, error })
  const state = await loadOf(options)({}, sent.typed)
  if (state === undefined || !render) throw refused
  return render({ ...sent, error, status: refused.status }, state)
}
