import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

test('a production install leaves out the programs of development, for every platform', () => {
  const { packages } = read('package-lock.json')
  const programs = Object.keys(read('packages/platform-tools/package.json').optionalDependencies)
  const installed = programs.map((name) => {
    const { dev, optional } = packages[`node_modules/${name}`]
    return { name, dev, optional }
  })
  expect(installed).toEqual(programs.map((name) => ({ name, dev: true, optional: true })))
})
