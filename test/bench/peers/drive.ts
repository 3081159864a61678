import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pin } from '../process.ts'
import type { LoadMessage, LoadReport, LoadTask } from './load.ts'

const LOAD_CORE = '1'
const LOAD = fileURLToPath(new URL('load.ts', import.meta.url))
/** Milliseconds that a load may take beyond what it measures. */
const GRACE_MS = 60_000

/**
 * Runs a load in a process of its own on the second core.
 * @param onPhase called right before and right after what is measured
 * @throws what the load generator printed, when it ends without a report
 */
export async function drive(
  task: LoadTask,
  onPhase: (phase: 'start' | 'stop') => void | Promise<void> = () => {},
): Promise<LoadReport> {
  const child = fork(LOAD, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  if (child.pid) pin(child.pid, LOAD_CORE)
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const limitMs = 'measureMs' in task.amount ? task.amount.warmMs + task.amount.measureMs + GRACE_MS : GRACE_MS
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  try {
    return await new Promise<LoadReport>((resolve, reject) => {
      child.on('message', async (message: LoadMessage) => {
        if ('report' in message) return resolve(message.report)
        try {
          await onPhase(message.phase)
          child.send('continue')
        } catch (error) {
          reject(error)
        }
      })
      child.once('close', () => reject(new Error(errors.trim().slice(0, 600) || 'the load generator was stopped')))
      child.send(task)
    })
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}
