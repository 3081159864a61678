// PM2 on a server of your own: `pm2 start ecosystem.config.cjs`, and `pm2 reload ecosystem.config.cjs` for a new version or
// configuration, which fails no request. The processes read `.env` by themselves, so that `pm2 save` writes no secret.
// In a folder of releases (deploy/pm2/release.sh) PM2 runs what its link `current` leads to, with the `.env` beside that link.
const { execFileSync } = require('node:child_process')
const path = require('node:path')

const releases = path.dirname(__dirname)
const root = path.basename(releases) === 'releases' ? path.dirname(releases) : undefined
const folder = root ? path.join(root, 'current') : __dirname
const environment = `--env-file-if-exists=${path.join(root ?? __dirname, '.env')}`
const script = path.join(folder, 'dist/server.mjs')

// PM2 ends the old processes after a while even where the new ones never come up. So a reload is refused unless they would.
if (process.argv.some((word) => /reload|restart/i.test(word)))
  execFileSync(process.execPath, [environment, script, '--check'], {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: 'inherit',
  })

module.exports = {
  apps: [
    {
      name: 'auth-gateway',
      cwd: folder,
      script,
      node_args: `--max-semi-space-size=4 --max-old-space-size=256 ${environment}`,
      exec_mode: 'cluster',
      instances: process.env.INSTANCES ?? 'max',
      // The next process takes over when it says so, not when it has started.
      wait_ready: true,
      listen_timeout: 30_000,
      // Longer than the server needs to finish what it has begun.
      kill_timeout: 20_000,
      max_memory_restart: '512M',
      exp_backoff_restart_delay: 200,
      merge_logs: true,
      env: { NODE_ENV: 'production' },
    },
  ],
}
