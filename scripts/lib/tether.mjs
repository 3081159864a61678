// Runs one command for the process that started this one, and ends it when that process goes away, even by kill -9:
// the operating system closes the message channel for it. Argument: JSON of { command, args, uid, gid, signal, pidFile }.
import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'

const SECONDS_TO_END = 8

const { command, args, uid, gid, signal, pidFile } = JSON.parse(process.argv[2])
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], uid, gid })
if (pidFile && child.pid) writeFileSync(pidFile, `${child.pid}\n`)

let ending = false
function end() {
  if (ending) return
  ending = true
  child.kill(signal)
  setTimeout(() => child.kill('SIGKILL'), SECONDS_TO_END * 1000).unref()
}

child.on('error', (error) => {
  process.stderr.write(`${command}: ${error.message}\n`, () => process.exit(127))
})
// Shells report the signal that ended a command in the same way.
child.on('exit', (code, killedBy) => {
  if (pidFile) rmSync(pidFile, { force: true })
  process.exit(code ?? 128 + constants.signals[killedBy])
})
process.on('disconnect', end)
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.stdout.on('error', end)
process.stderr.on('error', end)
