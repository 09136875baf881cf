# One image for the apps: the command tells which. `accepted` is the command line. Node runs the TypeScript as it is, so there is nothing to build.

FROM node:24-slim AS dependencies
WORKDIR /app
# The manifests alone: a change of the sources does not install anything again.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY apps/api/package.json apps/api/
COPY apps/worker/package.json apps/worker/
COPY apps/cli/package.json apps/cli/
COPY examples/receiver/package.json examples/receiver/
COPY packages/contract/package.json packages/contract/
COPY packages/core/package.json packages/core/
COPY packages/operations/package.json packages/operations/
RUN --mount=type=cache,target=/root/.npm --mount=type=cache,target=/root/.local/share/pnpm/store \
    npx --yes "pnpm@$(node -p 'require("./package.json").devEngines.packageManager.version')" install \
      --frozen-lockfile --prod --filter-prod @accepted/api... --filter-prod @accepted/worker... \
      --filter-prod @accepted/cli... --filter-prod @accepted/example-receiver

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app ./
COPY apps apps
COPY examples examples
COPY packages packages
# New volumes here belong to the user: for the file of SECRETS_KEY_FILE, and for the secret of the demo's receiver.
RUN ln -s /app/apps/cli/src/main.ts /usr/local/bin/accepted \
    && install -d -o node -g node -m 0700 /var/lib/accepted /var/lib/receiver
USER node
CMD ["node", "apps/api/src/main.ts"]
