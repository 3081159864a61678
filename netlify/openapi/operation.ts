import * as z from 'zod/mini'
import type { Dialect } from '../../shared/errors.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** How a caller proves who it is; the names of the document's security schemes. */
export type Credential = 'token' | 'apiKey' | 'session' | 'client' | 'registrationToken' | 'signature'

/** A JSON answer, or one that is none: a page for people, a redirect, an empty answer, or another media type. */
export type Answer = z.core.$ZodType | 'page' | 'redirect' | 'empty' | `${string}/${string}`

export type Operation = {
  summary: string
  /** The schema the function validates the body with; JSON and forms are taken alike. */
  body?: z.core.$ZodType
  query?: z.core.$ZodObject
  /** Credentials any one of which is taken. */
  by?: Credential[]
  /** Without a credential as well. */
  open?: boolean
  /** By status; refusals come in the family's dialect besides. */
  answers: Record<number, Answer | Answer[]>
}

/** The operations of one family, by method and canonical route as the function writes it. */
export type Family = {
  tag: string
  description: string
  dialect: Dialect
  /** Name of the response that refusals come in, where it is not that of the dialect. */
  refusal?: string
  operations: Record<`${Method} ${string}`, Operation>
}

export const PERSON: Credential[] = ['token', 'apiKey', 'session']

/** A page that people open, and one that its form posts to. */
export const page = (summary: string, query?: z.core.$ZodObject): Operation => ({
  summary,
  query,
  answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
})
export const form = (summary: string, body?: z.core.$ZodType): Operation => ({
  summary,
  body,
  answers: { 200: 'page', 303: 'redirect' },
})

/** Any JSON object. */
export const anything = z.looseObject({})
export const done = z.object({ success: z.literal(true), message: z.optional(z.string()) })
