import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const versionIn = (file: string) => /^\s*"?version"?\s*[:=]\s*"([^"]+)"/m.exec(readFileSync(file, 'utf8'))?.[1]

test('what is published has the version of the gateway', () => {
  const published = globSync('packages/{auth-*,python}/{package.json,pyproject.toml}')
  expect(published).toHaveLength(3)
  expect(published.filter((file) => versionIn(file) !== versionIn('package.json'))).toEqual([])
})
