import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { DENO } from '../support/edge.ts'

const root = new URL('../../', import.meta.url)
const json = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8'))
const shared: Record<string, string> = json('supabase/functions/deno.json').imports
const functions = readdirSync(new URL('supabase/functions', root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
  .map((entry) => entry.name)

it.each(functions)('%s deploys with the package versions that run locally', (name) => {
  const [, settings] = readFileSync(new URL('supabase/config.toml', root), 'utf8').split(`[functions.${name}]\n`)
  expect(settings?.split('\n', 4)).toEqual([
    'enabled = true',
    'verify_jwt = false',
    `entrypoint = "./functions/${name}/index.ts"`,
    'import_map = "./functions/deno.json"',
  ])
})

it.each(functions)('%s type-checks under Deno', (name) => {
  const folder = fileURLToPath(new URL('supabase/functions', root))
  const args = ['check', '--quiet', '--frozen', '--config', `${folder}/deno.json`, `${folder}/${name}/index.ts`]
  const { status, stderr } = spawnSync(DENO, args, { cwd: folder, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

it.each(Object.entries(shared))('%s under Deno is the version the tests run with: %s', (name, specifier) => {
  const { dependencies, devDependencies } = json('package.json')
  expect(specifier).toBe(`npm:${name}@${{ ...devDependencies, ...dependencies }[name]}`)
})
