import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import createIgnore from '@balena/dockerignore'
import { type Copy, DockerfileParser, type Instruction } from 'dockerfile-ast'

const run = promisify(execFile)

export type Stage = {
  name: string
  /** Where its files are on this machine: `/` of the image. */
  root: string
  workdir: string
  env: Record<string, string>
  user: string
  command: string[]
  healthcheck: string[]
}

export type BuildOptions = {
  dockerfile: string
  ignoreFile: string
  context: string
  /** Where the stages are made. */
  folder: string
  /** Runs a RUN instruction in a quicker way, or returns false. */
  instead?(command: string, workdir: string): Promise<boolean>
}

/**
 * Builds the stages of a Dockerfile without an engine: each in a folder of its own, RUN by this machine's shell, COPY only of
 * what `.dockerignore` lets into the context. Knows the instructions that this project uses and refuses others.
 */
export async function buildStages({ dockerfile, ignoreFile, context, folder, instead }: BuildOptions) {
  const stages = new Map<string, Stage>()
  const ignore = createIgnore().add(ignoreFile)
  let stage: Stage | undefined
  for (const instruction of DockerfileParser.parse(dockerfile).getInstructions()) {
    if (instruction.getKeyword() === 'FROM') stage = await begin(instruction, stages, folder)
    else if (stage) await apply(stage, instruction)
    if (stage) stages.set(stage.name, stage)
  }
  return stages

  async function apply(current: Stage, instruction: Instruction): Promise<void> {
    const text = instruction.getArgumentsContent() ?? ''
    const words = text.split(/\s+/)
    switch (instruction.getKeyword()) {
      case 'WORKDIR':
        current.workdir = text
        await mkdir(path.join(current.root, text), { recursive: true })
        return
      case 'ENV':
        for (const word of words) current.env[word.slice(0, word.indexOf('='))] = word.slice(word.indexOf('=') + 1)
        return
      case 'USER':
        current.user = text
        return
      case 'RUN':
        if (await instead?.(text, path.join(current.root, current.workdir))) return
        await run('/bin/sh', ['-ec', text], {
          cwd: path.join(current.root, current.workdir),
          env: { PATH: process.env.PATH, HOME: process.env.HOME, ...current.env },
          maxBuffer: 1 << 24,
        })
        return
      case 'COPY':
        return copy(current, words, stages.get((instruction as Copy).getFromFlag()?.getValue() ?? ''))
      case 'CMD':
        current.command = JSON.parse(text)
        return
      case 'HEALTHCHECK':
        current.healthcheck = JSON.parse(text.slice(text.indexOf('[')))
        return
      case 'LABEL':
      case 'EXPOSE':
      case 'STOPSIGNAL':
        return
      case 'ARG':
        // Its default, as where nothing is given.
        return
      default:
        throw new Error(`this builder does not know ${instruction.getKeyword()}`)
    }
  }

  async function copy(current: Stage, words: string[], from: Stage | undefined): Promise<void> {
    const target = words.pop() ?? ''
    const to = path.join(current.root, path.resolve(current.workdir, target))
    for (const word of words) {
      const source = from ? path.join(from.root, path.resolve(from.workdir, word)) : path.join(context, word)
      const into = target.endsWith('/') || (await isFolder(to)) ? path.join(to, path.basename(source)) : to
      const place = (await isFolder(source)) ? to : into
      await cp(source, place, {
        recursive: true,
        filter: (file) => Boolean(from) || file === source || !ignore.ignores(path.relative(context, file)),
      })
    }
  }
}

const isFolder = (file: string) =>
  stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  )

async function begin(instruction: Instruction, stages: Map<string, Stage>, folder: string): Promise<Stage> {
  const [image = '', , name = String(stages.size)] = (instruction.getArgumentsContent() ?? '').split(/\s+/)
  const root = path.join(folder, name)
  const base = stages.get(image)
  await mkdir(root, { recursive: true })
  if (base) await link(`${base.root}/.`, root)
  return {
    ...(base ?? { workdir: '/', user: 'root', command: [], healthcheck: [] }),
    env: { ...base?.env },
    name,
    root,
  }
}

/** Copies a folder by hard links where the file system can. */
async function link(from: string, to: string): Promise<void> {
  await run('cp', ['-al', from, to]).catch(() => run('cp', ['-a', from, to]))
}

/** What `npm ci --omit=dev` would install, from the packages of this checkout. */
export async function linkProductionPackages(context: string, workdir: string): Promise<void> {
  const { stdout } = await run('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: context }).catch(
    (error) => error,
  )
  const packages = (stdout as string).split('\n').filter((line) => line.includes('/node_modules/'))
  const outermost = packages.filter((one) => !packages.some((other) => one.startsWith(`${other}/`)))
  for (const one of [...outermost, path.join(context, 'node_modules/.bin')]) {
    const to = path.join(workdir, path.relative(context, one))
    await mkdir(path.dirname(to), { recursive: true })
    await link(one, to)
  }
}

/** Every file of a stage, from `/` of the image, packages left out. */
export async function filesOf(stage: Stage): Promise<string[]> {
  const files = await readdir(stage.root, { recursive: true, withFileTypes: true })
  return files
    .filter((one) => one.isFile())
    .map((one) => `/${path.relative(stage.root, path.join(one.parentPath, one.name))}`)
    .filter((file) => !file.includes('/node_modules/'))
}
