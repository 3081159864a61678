import { readFileSync, writeFileSync } from 'node:fs'
import { buildDocument, printDocument } from '../netlify/openapi/document.ts'
import { allRoutes } from './authority-table.ts'
import { program, readFlags } from './lib/terminal.ts'

const TARGET = 'netlify/openapi/openapi.json'
const USAGE = `npm run openapi

Writes the OpenAPI document of all routes to ${TARGET}.`

async function command(args: string[]): Promise<number> {
  readFlags(args, {})
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  writeFileSync(TARGET, printDocument(buildDocument(version, await allRoutes())))
  return 0
}

export const openapi = await program(import.meta.url, USAGE, command, { alone: true })
