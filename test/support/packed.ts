import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Packs a package of this repository and installs the archive alone, in a folder of its own, which it returns.
 * @param dependencies the packages that it depends on, which are taken from this checkout: npm fetches nothing
 */
export async function installPacked(name: string, dependencies: string[]): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), `${name}-`))
  const pack = async (what: string, ...more: string[]) => {
    const { stdout } = await run('npm', ['pack', what, '--json', '--pack-destination', folder, ...more])
    return path.join(folder, JSON.parse(stdout.slice(stdout.indexOf('[')))[0].filename)
  }
  const archives = [await pack(`./packages/${name}`)]
  for (const one of dependencies) archives.push(await pack(`./node_modules/${one}`, '--ignore-scripts'))
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...archives], {
    cwd: folder,
  })
  return folder
}
