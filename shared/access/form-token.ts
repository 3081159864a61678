import { createHmac } from 'node:crypto'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import type { Call } from '../call.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { browserKey, keepBrowserKey } from './browser-key.ts'

const SHAPE = /^([0-9a-f-]{36})\.([0-9a-f-]{36})?\.([A-Za-z0-9_-]{43})$/

export type FormToken = {
  /** Identifies this rendering of the form, so that equal posts of it are one submission. */
  id: string
  /** The tab's transaction, where it has one. */
  transaction?: string
  madeAt: Date
}

/**
 * Signs a form token.
 * @param token.holder what it is bound to: a session, or a session and a request; without a session, the browser key
 */
export function signFormToken(
  { ring }: Pick<Gateway, 'ring'>,
  { id = newId(), transaction = '', holder }: { id?: string; transaction?: string; holder: string },
): string {
  const signed = JSON.stringify([holder, id, transaction])
  return `${id}.${transaction}.${createHmac('sha256', ring.key('csrf')).update(signed).digest('base64url')}`
}

/** The value of a form's hidden field `csrf`, bound to this browser, or to the session that the form is about. */
export function newFormToken(
  call: Call,
  { about, transaction }: { about?: string; transaction?: string } = {},
): string {
  const browser = keepBrowserKey(call)
  return signFormToken(call.gateway, { transaction, holder: about ?? browser })
}

/** Parses a form token without verifying it. */
export function readFormToken(text: string | undefined): FormToken | undefined {
  const [, id, transaction] = SHAPE.exec(text ?? '') ?? []
  if (!id) return undefined
  return { id, transaction, madeAt: new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16)) }
}

/** Verifies a form token for this browser or, where the form is about one, for this session. */
export function openFormToken(call: Call, text: string | undefined, about: string | undefined): FormToken | undefined {
  const token = readFormToken(text)
  const holder = about ?? browserKey(call)
  if (!token || !text || !holder) return undefined
  return equalHash(text, signFormToken(call.gateway, { ...token, holder })) ? token : undefined
}
