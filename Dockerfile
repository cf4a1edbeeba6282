# Latchkey, without compiler, tests and tools. `npm run container:rehearse` runs these steps without Docker.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json tsconfig.client.json ./
COPY scripts/build.mjs scripts/bundle.mjs scripts/entries.mjs scripts/precompress.ts scripts/
COPY src src
COPY client client
COPY web web
COPY sandbox sandbox
RUN npm run build

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY scripts/build.mjs scripts/
COPY package.json ./
# For SQLite; with PostgreSQL nothing is written.
RUN install -d -m 0700 -o 1000 -g 1000 /data
ENV HOST=0.0.0.0 PORT=4000 DATABASE_URL=sqlite:/data/latchkey.db
# npm, for operators' commands, in a read-only file system.
ENV npm_config_cache=/tmp/npm npm_config_logs_max=0 npm_config_update_notifier=false
USER 1000:1000
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "dist/commands/health.js"]
# As `npm start`, but for the cache of compiled code: nothing can be written here.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=8", "dist/main.js"]
