// PM2 on a server of your own: `pm2 start ecosystem.config.cjs`, and `pm2 reload ecosystem.config.cjs` for a new version or
// configuration, which fails no request. The processes read `.env` by themselves, so that `pm2 save` writes no secret.
const path = require('node:path')

module.exports = {
  apps: [
    {
      name: 'auth-gateway',
      cwd: __dirname,
      script: path.join(__dirname, 'dist/server.mjs'),
      node_args: `--max-semi-space-size=4 --max-old-space-size=256 --env-file-if-exists=${path.join(__dirname, '.env')}`,
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
