import { readFileSync, writeFileSync } from 'node:fs'
import { buildDocument, printDocument } from '../netlify/openapi/document.ts'
import { allRoutes } from './authority-table.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
writeFileSync(
  new URL('../netlify/openapi/openapi.json', import.meta.url),
  printDocument(buildDocument(version, await allRoutes())),
)
