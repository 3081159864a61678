import * as z from 'zod/mini'
import { isNetwork } from '../addresses.ts'
import { type Limits, readLimits } from '../limits.ts'

type Variable<Type extends z.ZodMiniType, Unset> = {
  meaning: string
  /** Called only if the variable is set, for a faster start. */
  type: () => Type
  /** The value if it is not set. */
  fallback: Unset
  required?: boolean
}
export type ValueOf<One> = One extends Variable<infer Type, infer Unset> ? z.output<Type> | Unset : never

export const required = <Type extends z.ZodMiniType>(meaning: string, type: () => Type): Variable<Type, never> => ({
  meaning,
  type,
  fallback: undefined as never,
  required: true,
})
export const optional = <Type extends z.ZodMiniType>(meaning: string, type: () => Type): Variable<Type, undefined> => ({
  meaning,
  type,
  fallback: undefined,
})
export const variable = <Type extends z.ZodMiniType>(
  meaning: string,
  type: () => Type,
  fallback: z.output<Type>,
): Variable<Type, z.output<Type>> => ({ meaning, type, fallback })

export const url = (protocols: RegExp) => () =>
  z.url({ protocol: protocols, error: `must be a URL matching ${protocols.source}` })
export const httpUrl = () =>
  z.pipe(
    url(/^https?$/)(),
    z.transform((value: string) => value.replace(/\/+$/, '')),
  )
export const text = (minimum: number) => () => z.string().check(z.minLength(minimum))
export const whole = (minimum: number, maximum: number) => () =>
  z.coerce.number().check(z.int(), z.minimum(minimum), z.maximum(maximum))
export const flag = () =>
  z.pipe(
    z.enum(['true', 'false'], { error: 'must be true or false' }),
    z.transform((value: 'true' | 'false'): boolean => value === 'true'),
  )
export const matching = (isRight: (value: string) => boolean, message: string) => () =>
  z.string().check(z.refine(isRight, message))

const itemsOf = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
export const list = () => z.pipe(z.string(), z.transform(itemsOf))
export const listOf = (isRight: (item: string) => boolean, message: string) => () =>
  list().check(z.refine((items) => items.every(isRight), message))
/** IP addresses and CIDR blocks. */
export const networks = listOf(isNetwork, 'must be addresses or CIDR blocks')

/** `name=URL` pairs, separated by commas. */
export const urlsByName = () =>
  z.pipe(
    matching(
      (value) => itemsOf(value).every((pair) => /^[\w.-]+=https?:\/\/[^\s?#@,]+$/.test(pair)),
      'must be name=URL pairs, separated by commas, without query, fragment or credentials',
    )(),
    z.transform((value: string): Record<string, string> => {
      const pairs = itemsOf(value).map((pair) => /^([^=]+)=(.*?)\/*$/.exec(pair)?.slice(1) as [string, string])
      return Object.fromEntries(pairs)
    }),
  )

/** Limits that differ from the defaults, by name. */
export const limits = () =>
  z.pipe(
    z.string(),
    z.transform((value: string, context): Partial<Limits> => {
      const read = readLimits(value)
      if (typeof read !== 'string') return read
      context.issues.push({ code: 'custom', input: value, message: read })
      return z.NEVER
    }),
  )

/** The values of a variable that takes several, separated by a vertical bar. */
export const several = (value: string) => value.split('|')
export const isBase64 = (value: string) => /^[A-Za-z0-9+/]+={0,2}$/.test(value)
export const isSecretOf = (value: string, bytes: number) =>
  isBase64(value) && Buffer.from(value, 'base64').length >= bytes
