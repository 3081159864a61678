#!/usr/bin/env node
// Checks whether people can sign in with each connected identity provider. Runs the TypeScript file of the same name.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('check-oauth-providers.ts', import.meta.url))
const { status } = spawnSync(process.execPath, ['--import', 'tsx', file, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
