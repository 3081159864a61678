import path from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Tests start hundreds of processes of the same programs; these share what Node has compiled.
process.env.NODE_COMPILE_CACHE ??= path.resolve('node_modules/.cache/compiled')

/** The files that take longest, so that none of them is left for the end, when one worker would wait for it. */
const LONG = ['browser/', 'start/', 'chaos/', 'fuzz.test', 'archive.test', 'tamper.test', 'rebuild.test', 'dev.test']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((part) => moduleId.includes(part))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

/** The packages of this repository, as in tsconfig.json: from their sources. */
const PACKAGES = [
  { find: /^@lanonasis\/auth-server$/, replacement: path.resolve('packages/auth-server/src/verify-request.ts') },
  { find: /^@lanonasis\/auth-server\/(.*)$/, replacement: path.resolve('packages/auth-server/src/$1.ts') },
]

export default defineConfig({
  resolve: { alias: PACKAGES },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    exclude: ['test/bench/**', 'node_modules/**'],
    globalSetup: 'test/global-setup.ts',
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
