import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

// What Linux counts of processes and of the machine, from /proc.

const read = (file: string): string => {
  try {
    return readFileSync(`/proc/${file}`, 'utf8')
  } catch {
    return ''
  }
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** The fields of `/proc/<pid>/stat` from the third on, which follow the name of the program. */
function statOf(pid: number): number[] {
  const text = read(`${pid}/stat`)
  return text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
}

/** CPU seconds of a process. */
export function cpuSeconds(pid: number): number {
  const fields = statOf(pid)
  return ((fields[11] ?? 0) + (fields[12] ?? 0)) / ticksPerSecond
}

/** CPU seconds of all processes of a Postgres server, also of those that have ended. */
export function databaseCpuSeconds(postmaster: number): number {
  const fields = statOf(postmaster)
  const ended = ((fields[13] ?? 0) + (fields[14] ?? 0)) / ticksPerSecond
  const children = read(`${postmaster}/task/${postmaster}/children`).split(' ').filter(Boolean)
  return children.reduce((sum, child) => sum + cpuSeconds(Number(child)), ended)
}

/** CPU seconds that all cores of the machine have worked. */
export function machineCpuSeconds(): number {
  const [line = ''] = read('stat').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + interrupts + softInterrupts) / ticksPerSecond
}

/** Memory of a process in MB: what it holds now (`VmRSS`), or the most it ever held (`VmHWM`). */
export function memoryMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+)`).exec(read(`${pid}/status`)) ?? []
  return Number(kilobytes ?? 0) / 1024
}
