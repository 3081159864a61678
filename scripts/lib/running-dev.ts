import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { variables } from '../../shared/config.ts'
import { isAlive } from './left-over.ts'

type Note = { pid: number; environment: NodeJS.ProcessEnv }

const fileIn = (folder: string) => `${folder}/running.json`

function read(folder: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(folder), 'utf8'))
  } catch {
    return undefined
  }
}

/** Writes the gateway's settings of this `npm run dev` to a file for operator commands, readable by its owner only. */
export function noteRunningDev(folder: string, environment: NodeJS.ProcessEnv): void {
  const used = Object.entries(environment).filter(([name, value]) => Object.hasOwn(variables, name) && value)
  const note: Note = { pid: process.pid, environment: Object.fromEntries(used) }
  writeFileSync(fileIn(folder), JSON.stringify(note, null, 2), { mode: 0o600 })
}

export function forgetRunningDev(folder: string): void {
  if (read(folder)?.pid === process.pid) rmSync(fileIn(folder), { force: true })
}

/** Returns the settings of the `npm run dev` that runs in the folder, with the connections to its database; undefined if none does. */
export function runningDev(folder: string): NodeJS.ProcessEnv | undefined {
  const note = read(folder)
  return note && isAlive(note.pid) ? note.environment : undefined
}
