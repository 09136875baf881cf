# One image for both apps: the command tells which. Node runs the TypeScript as it is, so there is nothing to build.

FROM node:24-slim AS dependencies
WORKDIR /app
# The manifests alone: a change of the sources does not install anything again.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY apps/api/package.json apps/api/
COPY apps/worker/package.json apps/worker/
COPY packages/contract/package.json packages/contract/
COPY packages/core/package.json packages/core/
COPY packages/operations/package.json packages/operations/
RUN --mount=type=cache,target=/root/.npm --mount=type=cache,target=/root/.local/share/pnpm/store \
    npx --yes "pnpm@$(node -p 'require("./package.json").devEngines.packageManager.version')" install \
      --frozen-lockfile --prod --filter-prod @accepted/api... --filter-prod @accepted/worker...

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app ./
COPY apps apps
COPY packages packages
USER node
CMD ["node", "apps/api/src/main.ts"]
