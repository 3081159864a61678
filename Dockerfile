# Targets: the last one, `gateway`, is what runs; `tools` has the operator commands (`npm run migrate`, `npm run doctor`, …).
FROM node:22.23-bookworm-slim AS tools
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/auth-server packages/auth-server
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json netlify.toml ./
COPY netlify netlify
COPY shared shared
COPY scripts scripts
COPY supabase/migrations supabase/migrations
COPY supabase/functions/_shared supabase/functions/_shared
USER node
CMD ["npm", "run", "migrate"]

FROM tools AS build
ARG COMMIT_REF=
USER root
RUN npm run build -- --server

FROM node:22.23-bookworm-slim AS gateway
LABEL org.opencontainers.image.title="LanOnasis auth gateway"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
WORKDIR /app
COPY --from=build /app/netlify.toml ./
COPY --from=build /app/dist dist
USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=4", "--max-old-space-size=256", "dist/server.mjs"]
