import * as z from 'zod'
import { variables } from '../shared/config.ts'
import { writePart } from './lib/generated-part.ts'
import { program, readFlags, type Terminal } from './lib/terminal.ts'

const TARGET = 'docs/configuration.md'
const USAGE = `npx tsx scripts/config-table.ts [--env]

Writes the table of all variables into ${TARGET}. --env prints an .env.example instead.`

type Variable = { name: string; type: string; fallback: string | undefined; required: boolean; meaning: string }

function typeOf(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' ')
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  return schema.format === 'uri' ? 'URL' : 'text'
}

/** Returns every variable of `shared/config.ts` as the documentation shows it, without the defaults of secrets. */
function documentedVariables(): Variable[] {
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

/** Returns the variables as a Markdown table. */
export function configTable(): string {
  const rows = documentedVariables().map(({ name, type, fallback, required, meaning }) => {
    const shown = required ? '**required**' : fallback === undefined ? 'unset' : `\`${fallback}\``
    return `| \`${name}\` | ${type} | ${shown} | ${meaning.replaceAll('|', '\\|')} |`
  })
  return ['| Variable | Type | Default | Meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** Returns the variables as an `.env.example`: required ones empty, the others commented out with their default. */
export function envExample(): string {
  return documentedVariables()
    .map(({ name, fallback, required, meaning }) => `# ${meaning}\n${required ? '' : '# '}${name}=${fallback ?? ''}\n`)
    .join('\n')
}

async function command(args: string[], { out }: Terminal): Promise<number> {
  const { env } = readFlags(args, { env: { type: 'boolean' } })
  if (env) out(envExample().trimEnd())
  else writePart(TARGET, 'config', configTable())
  return 0
}

export const configTableProgram = await program(import.meta.url, USAGE, command, { alone: true })
