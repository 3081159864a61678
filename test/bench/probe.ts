import type { Usage } from './process.ts'

// Loaded into a measured process next to its program: reports what it has used so far, and ends with its parent.
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const usage: Usage = {
    cpuMicroseconds: user + system,
    residentBytes: process.memoryUsage.rss(),
    peakBytes: process.resourceUsage().maxRSS * 1024,
  }
  process.send?.({ usage })
})
process.on('disconnect', () => process.exit(0))
