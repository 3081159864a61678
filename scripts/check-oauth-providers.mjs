#!/usr/bin/env node
// Tells for each connected identity provider whether it can be signed in with. The work is done in TypeScript.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('check-oauth-providers.ts', import.meta.url))
const { status } = spawnSync(process.execPath, ['--import', 'tsx', file, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
