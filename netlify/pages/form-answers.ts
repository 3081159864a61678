import type { MiddlewareHandler } from 'hono'
import { browserSession, sessionOfHandle } from '../../shared/access/authenticate.ts'
import { browserKey } from '../../shared/access/browser-key.ts'
import {
  ACTING_SECONDS,
  afterwards,
  type FormStates,
  formStatesOf,
  submissionName,
} from '../../shared/access/form-states.ts'
import { readFormToken } from '../../shared/access/form-token.ts'
import { authorization } from '../../shared/domain/authorization.ts'
import { type Dialect, GatewayError } from '../../shared/errors.ts'
import { fold } from '../../shared/events/commit.ts'
import { type App, type AppContext, type AppEnv, createApp } from '../../shared/http/app.ts'
import { postedField } from '../../shared/http/body.ts'
import { SESSION_COOKIE } from '../../shared/http/cookies.ts'
import { StepDone } from '../../shared/http/redirect.ts'
import { findAuthorization } from '../../shared/queries/authorizations.ts'
import { inLanguage } from './copy.ts'
import { errorPage } from './error-page.tsx'
import { welcomePage } from './signed-in.tsx'

/** Seconds during which a repeated submission gets the first response. */
const ANSWER_SECONDS = 60
/** The same for error responses: nothing was done, and anyone can cause many of them. */
const ERROR_SECONDS = 10
const POLL_MS = 100

type Answer = {
  status: number
  headers: [name: string, value: string][]
  body: string
  /** The authorization whose code is in the response. */
  authorizationId?: string
  /** The handle of the session of the response. */
  session?: string
}

/** Returns the body of a form that this browser posted. */
async function postedForm(c: AppContext): Promise<string | undefined> {
  if (!browserKey(c.var.call)) return undefined
  if (!c.req.header('content-type')?.startsWith('application/x-www-form-urlencoded')) return undefined
  return readFormToken(await postedField(c, 'csrf')) ? c.req.text() : undefined
}

/**
 * A submission that equals one of a minute ago, from the same browser, gets the same answer,
 * cookies included, and while the first one is being answered it waits for that. So a second click on a slow line, a reload of
 * the answer, or a return to the form spends nothing twice and loses nothing. It stands before the check of who is signed in, since
 * an answer may have changed that. Another body is a new attempt; an error of ours or a full limit is never given twice.
 */
const answerFormsOnce: MiddlewareHandler<AppEnv> = async (c, next) => {
  // From here on cookies that are set on the context are part of whatever response the handler makes.
  void c.res
  if (c.req.method !== 'POST') return next()
  const text = await postedForm(c)
  const browser = browserKey(c.var.call)
  if (text === undefined || !browser) return next()
  const states = formStatesOf(c.var.call.gateway, browser)
  const name = submissionName('answer', c.req.path, text)
  const earlier = await claimAnswer(states, name)
  const again = earlier && (await giveAgain(c, earlier))
  if (again) {
    c.res = again
    return
  }
  let kept = false
  try {
    await next()
    kept = await keepAnswer(states, name, c)
  } finally {
    if (!kept) await afterwards(states.forget(name))
  }
}

/** Renders the pages of an app in the language of the request. */
export const translated: MiddlewareHandler<AppEnv> = (c, next) => inLanguage(c, next)

/** Creates an app with forms, whose errors are pages. */
export function createFormApp(tag: string, dialect: Dialect = 'page'): App {
  const app = createApp(dialect, { errorPage, tag })
  app.use(answerFormsOnce)
  return app
}

/** Returns the response to an equal submission; undefined for the first one. */
async function claimAnswer(states: FormStates, name: string): Promise<Answer | undefined> {
  const giveUp = Date.now() + ACTING_SECONDS * 1000
  for (;;) {
    const { first, value } = await states.claim<Answer>(name, ACTING_SECONDS)
    if (first || value) return value
    if (Date.now() > giveUp) throw new GatewayError('temporarily_unavailable', { retryAfter: 2 })
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function keepAnswer(states: FormStates, name: string, c: AppContext): Promise<boolean> {
  const { status } = c.res
  const failed = c.error !== undefined && !(c.error instanceof StepDone)
  if (failed || status >= 500 || status === 429 || c.get('runsAgain')) return false
  const body = await c.res.text()
  const answer: Answer = { status, headers: [...c.res.headers], body, authorizationId: c.get('handsOutCodeOf') }
  c.res = undefined
  c.res = toResponse(answer)
  const session = await liveHandle(c)
  const seconds = c.get('answerSeconds') ?? ANSWER_SECONDS
  // An equal submission waits for it as it waits for the response.
  c.var.call.later(afterwards(states.keep(name, { ...answer, session }, status < 400 ? seconds : ERROR_SECONDS)))
  return true
}

/** The handle of the session of a request, unless it has ended. */
async function liveHandle(c: AppContext): Promise<string | undefined> {
  const handle = c.var.call.request.cookies[SESSION_COOKIE]
  return handle && (await sessionOfHandle(c.var.call.gateway, handle)) ? handle : undefined
}

const toResponse = ({ status, headers, body }: Answer) => new Response(body || null, { status, headers })

/**
 * An earlier answer as long as it is still good. A session that has ended meanwhile is not handed out again, nor what was shown in it: the
 * person may have left the browser to another. A code that was redeemed is not either, since presenting that once more would revoke what the
 * application got for it.
 */
async function giveAgain(c: AppContext, answer: Answer): Promise<Response | undefined> {
  const { gateway } = c.var.call
  const set = new RegExp(`^${SESSION_COOKIE}=([^;]+)`)
  const handle = answer.headers.map(([, value]) => set.exec(value)?.[1]).find(Boolean)
  const clears = answer.headers.some(([, value]) => value.startsWith(`${SESSION_COOKIE}=;`))
  const needed = handle ?? (clears ? undefined : answer.session)
  if (needed && !(await sessionOfHandle(gateway, needed))) return undefined
  if (answer.authorizationId === undefined) return toResponse(answer)
  const { events } = await findAuthorization(gateway.reads, gateway.personal, { id: answer.authorizationId })
  const { state } = fold(authorization, events)
  if (state.status === 'redeemed')
    return browserSession(c.var.call).then((one) => one && inLanguage(c, async () => welcomePage(c, one)))
  return state.status === 'code_issued' && state.codeExpiresAt > gateway.now() ? toResponse(answer) : undefined
}
