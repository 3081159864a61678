import * as z from 'zod/mini'

/** How a caller proves who it is; the names of the document's security schemes. */
export type Credential = 'token' | 'apiKey' | 'session' | 'client' | 'registrationToken' | 'signature'

/** Creates a schema when the document is assembled, so that a function that only serves requests creates none. */
export type Schema<Type extends z.core.$ZodType = z.core.$ZodType> = () => Type

/** A JSON answer, or another one: a page for people, a redirect, an empty answer, or another media type. */
export type Answer = Schema | 'page' | 'redirect' | 'empty' | `${string}/${string}`

export type Operation = {
  /** Its tag in the document, if not that of its function. */
  tag?: string
  summary: string
  /** The schema the function validates the body with; it accepts JSON and forms. */
  body?: Schema
  query?: Schema<z.core.$ZodObject>
  /** The accepted credentials; one is enough. */
  by?: Credential[]
  /** Without a credential as well. */
  open?: boolean
  /** By status, without errors, which have the format of their family. */
  answers: Record<number, Answer | Answer[]>
}

export const PERSON: Credential[] = ['token', 'apiKey', 'session']
/** A client authenticates, or names itself where it has no secret. */
export const BY_CLIENT = { by: ['client'], open: true } satisfies Partial<Operation>

/** A page that people open, and one that its form posts to. */
export const pageOperation = (summary: string, query?: Schema<z.core.$ZodObject>): Operation => ({
  summary,
  query,
  answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
})
export const formOperation = (summary: string, body?: Schema<z.ZodMiniObject>): Operation => ({
  summary,
  body: body && (() => z.extend(body(), { csrf: z.optional(z.string()) })),
  answers: { 200: 'page', 303: 'redirect' },
})

/** Where a page leads on to. */
export const returnQuery = () => z.object({ return_to: z.optional(z.string()) })
/** The tab of a browser that a page belongs to. */
export const tabQuery = () => z.object({ t: z.optional(z.string()) })
/** What was done on the page before. */
export const doneQuery = () => z.object({ done: z.optional(z.string()) })
/** Any JSON object. */
export const anything = () => z.looseObject({})
export const done = () => z.object({ success: z.literal(true), message: z.optional(z.string()) })
