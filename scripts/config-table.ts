import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { variables } from '../shared/config.ts'
import { program, runAsProgram, type Terminal, UsageError } from './lib/terminal.ts'

const USAGE = `npx tsx scripts/config-table.ts [<file>] [--env]

Prints the table of all variables, or writes it between the markers of a Markdown file. --env prints an .env.example.`
const START = '<!-- config:start -->'
const END = '<!-- config:end -->'

type Variable = { name: string; type: string; fallback: string | undefined; required: boolean; meaning: string }

function typeOf(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' ')
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  return schema.format === 'uri' ? 'URL' : 'text'
}

/** Every variable of `shared/config.ts` as the documentation shows it; defaults of secrets are not repeated. */
export function documentedVariables(): Variable[] {
  return Object.entries(variables).map(([name, { meaning, type, fallback, required = false }]) => {
    const secret = name.endsWith('_SECRET') && fallback !== undefined
    const shown = typeof fallback === 'object' ? Object.values(fallback).join(',') : fallback?.toString()
    return {
      name,
      type: typeOf(z.toJSONSchema(type() as z.core.$ZodType, { io: 'input' })),
      fallback: secret ? undefined : shown || undefined,
      required: required || secret,
      meaning: `${meaning}${secret ? ' Development has its own.' : ''}`,
    }
  })
}

/** The variables as a Markdown table. */
export function configTable(): string {
  const rows = documentedVariables().map(({ name, type, fallback, required, meaning }) => {
    const shown = required ? '**required**' : fallback === undefined ? 'unset' : `\`${fallback}\``
    return `| \`${name}\` | ${type} | ${shown} | ${meaning.replaceAll('|', '\\|')} |`
  })
  return ['| Variable | Type | Default | Meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** The variables as an `.env.example`: required ones empty, the others commented out with their default. */
export function envExample(): string {
  return documentedVariables()
    .map(({ name, fallback, required, meaning }) => `# ${meaning}\n${required ? '' : '# '}${name}=${fallback ?? ''}\n`)
    .join('\n')
}

/**
 * Replaces what stands between the config markers of a Markdown text.
 * @throws {Error} when the markers are missing.
 */
export function withConfigTable(markdown: string): string {
  const [before, rest] = markdown.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`no ${START} and ${END} markers`)
  return `${before}${START}\n${configTable()}\n${END}${after}`
}

async function command(args: string[], { out }: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { env: { type: 'boolean' } } })
  const [target, ...rest] = positionals
  if (rest.length > 0 || (target && values.env)) throw new UsageError('Give one file, or --env alone')
  if (values.env) out(envExample().trimEnd())
  else if (target) writeFileSync(target, withConfigTable(readFileSync(target, 'utf8')))
  else out(configTable())
  return 0
}

export const configTableProgram = program(USAGE, command, { alone: true })

await runAsProgram(import.meta.url, configTableProgram)
