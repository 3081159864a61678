#!/bin/sh
# release.sh <root>                  builds this checkout into <root>/releases/<time>-<commit> and makes it current
# release.sh <root> --use <release>  makes an existing release current, such as the previous one
#
# <root>/.env has the variables and PM2 runs <root>/current. The old processes are stopped only when the new release can serve;
# otherwise nothing changes. Run `npm run migrate` before.
set -eu
root=$(cd "${1:?where the releases are}" && pwd)

if [ "${2:-}" = --use ]; then
  release=$(cd "${3:?which release}" && pwd -P)
else
  cd "$(dirname "$0")/../.."
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
  release=$root/releases/$(date -u +%Y%m%d%H%M%S)-$commit
  mkdir -p "$release"
  npm run --silent build -- --server "$release/dist" >/dev/null
  cp netlify.toml ecosystem.config.cjs package.json "$release/"
fi

node --env-file-if-exists="$root/.env" "$release/dist/server.mjs" --check
ln -sfn "$release" "$root/current.new"
mv -T "$root/current.new" "$root/current"
pm2 startOrReload "$root/current/ecosystem.config.cjs"
pm2 save >/dev/null
echo "current: $release"

# Keeps the newest five for roll-backs.
ls -1d "$root"/releases/*/ | sort -r | tail -n +6 | while read -r old; do
  [ "$(cd "$old" && pwd -P)" = "$release" ] || rm -rf "$old"
done
