import { parseEmail } from '../_shared/email-address.ts'
import { fieldsOf, isLink, isText, localeOf } from '../_shared/payload.ts'
import { type AuthMailKind, NOTIFICATIONS } from '../_shared/templates/words.ts'

/** One mail that a hook asks for. */
export interface AuthMail {
  kind: AuthMailKind
  to: string
  other?: string
  what?: string
  code?: string
  /** With the type that Supabase verifies it as. */
  link?: { tokenHash: string; type: string }
}

export interface SendEmailHook {
  /** BCP 47, if the account has one. */
  locale?: string
  redirectTo: string
  /** Base URL of Supabase Auth. */
  siteUrl: string
  mails: AuthMail[]
}

const HASH = /^[\w-]{1,200}$/
const TOKEN = /^[\w-]{1,64}$/

/**
 * Parses the body of a Send Email hook. In a change of address the names are crossed: `token_hash_new` belongs to the
 * present address with `token`, `token_hash` to the new one with `token_new`. Without the secure change there is one mail, to the
 * new address.
 */
export function parseSendEmailHook(body: unknown): SendEmailHook | undefined {
  const { user, email_data } = fieldsOf(body)
  const { new_email, email_new, user_metadata, ...account } = fieldsOf(user)
  const email = parseEmail(account.email)
  const data = fieldsOf(email_data)
  const { email_action_type: action, redirect_to, site_url } = data
  if (typeof action !== 'string' || !isLink(site_url)) return undefined
  const next = parseEmail(new_email ?? email_new)
  const mails = action === 'email_change' ? changeMails(data, email, next) : mailOf(action, data, email)
  if (!mails || mails.length === 0) return undefined
  const locale = localeOf(user_metadata)
  return { locale, redirectTo: isRedirect(redirect_to) ? redirect_to : '', siteUrl: site_url, mails }
}

type Data = Record<string, unknown>

const codeOf = (token: unknown) => (isText(token, TOKEN) ? token : undefined)

function changeMails(data: Data, email: string | undefined, next: string | undefined): AuthMail[] | undefined {
  const { token, token_new, token_hash: hash, token_hash_new: currentHash } = data
  if (!next || !isText(hash, HASH)) return undefined
  const type = 'email_change'
  const isSecure = email !== undefined && isText(currentHash, HASH)
  const forNew: AuthMail = {
    ...{ kind: 'email_change_new', to: next, link: { tokenHash: hash, type } },
    code: codeOf(token_new) ?? (isSecure ? undefined : codeOf(token)),
  }
  if (!isSecure) return [forNew]
  const link = { tokenHash: currentHash, type }
  return [{ kind: 'email_change_current', to: email, other: next, link, code: codeOf(token) }, forNew]
}

const BY_ACTION: Record<string, AuthMailKind> = {
  signup: 'signup',
  invite: 'invite',
  magiclink: 'magiclink',
  email: 'magiclink',
  recovery: 'recovery',
}

function mailOf(action: string, data: Data, email: string | undefined): AuthMail[] | undefined {
  const { token, token_hash: hash, old_email, provider, factor_type } = data
  const known = NOTIFICATIONS.find((one) => one === action)
  const notification = known ?? (action.endsWith('_notification') ? 'account_changed_notification' : undefined)
  if (notification) {
    const other = parseEmail(old_email)
    const what = [provider, factor_type].find((one) => isText(one, /^[\w .-]{1,40}$/)) as string | undefined
    // An attacker may have changed the address of the account: the previous address must be notified.
    const to = action === 'email_changed_notification' ? (other ?? email) : email
    return to ? [{ kind: notification, to, other, what }] : undefined
  }
  if (!email) return undefined
  if (action === 'reauthentication') {
    const code = codeOf(token)
    return code ? [{ kind: 'reauthentication', to: email, code }] : undefined
  }
  const kind = Object.hasOwn(BY_ACTION, action) ? BY_ACTION[action] : undefined
  if (!kind || !isText(hash, HASH)) return undefined
  return [{ kind, to: email, code: codeOf(token), link: { tokenHash: hash, type: action } }]
}

/** Also an application's own scheme, as Supabase allows it; never one that a browser would run. */
function isRedirect(value: unknown): value is string {
  return (
    isText(value, /^[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]{1,2000}$/i) &&
    URL.canParse(value) &&
    !/^(javascript|data|vbscript|file|blob):/i.test(value)
  )
}
