import { contentId } from '../_shared/content-id.ts'
import { type Email, sendEmail } from '../_shared/email.ts'
import { hookEndpoint } from '../_shared/endpoint.ts'
import type { Env } from '../_shared/env.ts'
import { renderAuthEmail } from '../_shared/templates/auth-email.ts'
import { type AuthMail, parseSendEmailHook, type SendEmailHook } from './payload.ts'

/** The Send Email hook of Supabase Auth: sends its mails with our templates. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return hookEndpoint({
    name: 'auth-send-email-hook',
    env,
    secret: 'SEND_EMAIL_HOOK_SECRET',
    parse: parseSendEmailHook,
    async deliver({ id, payload, again, signal }) {
      const sending = payload.mails.map(async (mail) =>
        sendEmail(env, await write(env, id, payload, mail), again, signal),
      )
      await Promise.all(sending)
    },
  })
}

async function write(env: Env, hookId: string, hook: SendEmailHook, mail: AuthMail): Promise<Email> {
  const { locale, siteUrl, redirectTo } = hook
  const { kind, to, other, what, code } = mail
  const rendered = renderAuthEmail({
    ...{ kind, address: to, other, what, code, locale },
    site: hostOf(redirectTo) ?? hostOf(siteUrl) ?? '',
    link: mail.link && linkTo(env, hook, mail.link),
    brand: { name: env.AUTH_MAIL_BRAND_NAME, colour: env.AUTH_MAIL_BRAND_COLOUR },
  })
  return { id: await contentId(hookId, kind), to, category: kind.slice(0, 50), ...rendered }
}

const hostOf = (url: string) => (/^https?:/i.test(url) && URL.canParse(url) ? new URL(url).host : undefined)

/**
 * Returns the URL of the Supabase Auth that called the hook. It names its own URL, and its signature authenticates it. Without a path it is
 * behind Supabase's API gateway at `/auth/v1`, as in its own mailer; `SUPABASE_AUTH_PATH` is another path, or empty.
 */
function authUrl(env: Env, siteUrl: string): string {
  const { origin, pathname } = new URL(siteUrl)
  const path = pathname.replace(/\/+$/, '') || (env.SUPABASE_AUTH_PATH ?? '/auth/v1').trim().replace(/\/+$/, '')
  return `${origin}${path}`
}

/** A link to a page of the gateway contains the token, which that page redeems after a button press; any other link goes through Supabase. */
function linkTo(env: Env, { redirectTo, siteUrl }: SendEmailHook, link: NonNullable<AuthMail['link']>): string {
  const { tokenHash, type } = link
  const gateway = env.AUTH_BASE_URL?.trim()
  if (gateway && redirectTo && new URL(redirectTo).origin === new URL(gateway).origin) {
    const url = new URL(redirectTo)
    url.searchParams.set('token_hash', tokenHash)
    url.searchParams.set('type', type)
    return url.href
  }
  const url = new URL(`${authUrl(env, siteUrl)}/verify`)
  url.searchParams.set('token', tokenHash)
  url.searchParams.set('type', type)
  if (redirectTo) url.searchParams.set('redirect_to', redirectTo)
  return url.href
}
