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
  const { imports, nodeModulesDir } = json(`supabase/functions/${name}/deno.json`)
  expect(nodeModulesDir).toBe('none')
  expect(shared).toMatchObject(imports)
})

it.each(functions)('%s type-checks under Deno with its own configuration', (name) => {
  const folder = fileURLToPath(new URL(`supabase/functions/${name}`, root))
  const args = ['check', '--quiet', '--no-lock', '--config', `${folder}/deno.json`, `${folder}/index.ts`]
  const { status, stderr } = spawnSync(DENO, args, { cwd: folder, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

it.each(Object.entries(shared))('%s under Deno is the version the tests run with: %s', (name, specifier) => {
  const { dependencies, devDependencies } = json('package.json')
  expect(specifier).toBe(`npm:${name}@${{ ...devDependencies, ...dependencies }[name]}`)
})
