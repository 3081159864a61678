import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { migrate } from './lib/migrate.ts'

if (existsSync('.env')) process.loadEnvFile('.env')

const applicationUrl = process.env.DATABASE_URL
const url = process.env.DATABASE_MIGRATION_URL || applicationUrl

try {
  if (!url) throw new Error('Set DATABASE_MIGRATION_URL: the direct connection of the database owner')
  const directory = fileURLToPath(new URL('../supabase/migrations', import.meta.url))
  const applied = await migrate({ url, directory, applicationUrl, tls: process.env, log: console.log })
  console.log(applied.length === 0 ? 'the database is up to date' : `${applied.length} migrations applied`)
} catch (error) {
  console.error(error instanceof Error ? error.message || error.cause : error)
  process.exitCode = 1
}
