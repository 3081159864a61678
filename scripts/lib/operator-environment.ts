import { existsSync, readFileSync } from 'node:fs'
import type postgres from 'postgres'
import { runningDev } from './dev-folder.ts'
import { openConnection } from './gateway-database.ts'
import { RefusedError } from './terminal.ts'

const folderOfDev = (env: NodeJS.ProcessEnv) => env.DEV_DIRECTORY || '.dev'

/** Returns the environment with defaults from `.env` of the current folder, as `npm run dev` reads it. An empty value counts as unset. */
export function withDotEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (env === process.env && existsSync('.env')) process.loadEnvFile('.env')
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value))
}

/** Adds the settings of a running `npm run dev` as defaults, unless another database is named. */
function withRunningDev(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = withDotEnv(given)
  const dev = runningDev(folderOfDev(env))
  const known = [dev?.DATABASE_URL, dev?.DATABASE_MIGRATION_URL]
  const named = [env.DATABASE_URL, env.DATABASE_MIGRATION_URL].filter(Boolean)
  return named.every((url) => known.includes(url)) ? { ...dev, ...env } : env
}

/**
 * Returns the operator's connection string: DATABASE_MIGRATION_URL, else DATABASE_URL, else the database of `npm run dev`.
 * @throws RefusedError when there is none
 */
function operatorUrl(given: NodeJS.ProcessEnv): string {
  const env = withRunningDev(given)
  const url = env.DATABASE_MIGRATION_URL ?? env.DATABASE_URL
  if (!url) throw new RefusedError('Set DATABASE_MIGRATION_URL or DATABASE_URL, or start `npm run dev` first')
  return url
}

/** Opens one connection to the operator's database, for transactions. */
export function operatorConnection(
  env: NodeJS.ProcessEnv,
  name: string,
  options: postgres.Options<never> = {},
): postgres.Sql {
  return openConnection(operatorUrl(env), withDotEnv(env), { connection: { application_name: name }, ...options })
}

/**
 * Returns the environment to configure a gateway from when an operator uses it, with the operator's connection.
 * The secrets of `npm run dev` are used only for a database on this machine: a gateway could not open keys that are sealed
 * under the wrong master secret.
 * @throws RefusedError when the master secret of a database elsewhere is not set
 */
export function operatorEnvironment(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const url = operatorUrl(given)
  const env = withRunningDev(given)
  const secretsFile = `${folderOfDev(env)}/secrets.json`
  const here = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)
  if (!here && !env.AUTH_MASTER_SECRET) throw new RefusedError('Set AUTH_MASTER_SECRET to the one of the gateway')
  const secrets = here && given === process.env && existsSync(secretsFile) ? readFileSync(secretsFile, 'utf8') : '{}'
  return { ...JSON.parse(secrets), ...env, DATABASE_URL: url }
}

/** Returns the environment of the deployment: this one, else that of a running `npm run dev`. */
export function deploymentEnvironment(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = withRunningDev(given)
  return env.DATABASE_URL ? env : operatorEnvironment(given)
}
