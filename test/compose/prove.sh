#!/usr/bin/env bash
# Proves on a real Docker engine what docker-compose.yml promises; by hand, not part of the tests.
# Needs docker with Compose 2.24 or newer, curl 7.84 or newer, and node. Takes a few minutes, a project and a port of
# its own, and takes away all that it made, the images too. A `.env` beside docker-compose.yml must not change how long
# a car takes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
project=accepted-proof-$$
work=$(mktemp -d)
PORT=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
export PORT
unset PUBLIC_URL CALLBACK_ALLOW_CIDRS RECEIVERS_SUBNET
url=http://127.0.0.1:$PORT

dc() {
  docker compose --progress quiet --ansi never --env-file /dev/null --project-name "$project" --file "$root/docker-compose.yml" "$@"
}

clean_up() {
  local code=$?
  trap - EXIT
  if [ "$code" -ne 0 ]; then
    {
      echo "NOT PROVED (exit code $code). The containers and their last words:"
      dc ps --all
      dc logs --tail 20 --no-color
    } >&2 || true
  fi
  dc --profile demo down --volumes --rmi local --remove-orphans --timeout 5 >&2 || code=1
  rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- words

proved() { echo "proved: $*"; }
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
# expect WORDS ACTUAL EXPECTED
expect() { [ "$2" = "$3" ] || fail "$1: expected '$3', got '$2'"; }

now_ms() { node -p 'Date.now()'; }
# The seconds since a time in ms.
since() { node -p '((Date.now() - process.argv[1]) / 1000).toFixed(1) + " s"' "$1"; }
# The value of a JavaScript expression of `it`, the JSON on standard input.
json() { node -e 'const it = JSON.parse(require("fs").readFileSync(0)); console.log(eval(process.argv[1]))' "$1"; }

# --- containers

containers() { dc ps --all --quiet "$1"; }
inspect() { docker inspect --format "$2" "$1"; }
# Of the first container, where there are several.
health() { inspect "$(containers "$1" | head -1)" '{{.State.Health.Status}}'; }

# await_health SERVICE STATUS SECONDS
await_health() {
  local deadline=$((SECONDS + $3))
  until [ "$(health "$1")" = "$2" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$1 is not $2 after $3 s but $(health "$1")"
    sleep 0.3
  done
}

# Every container of the services has stopped by itself, in order.
expect_clean_ends() {
  local service container
  for service in "$@"; do
    for container in $(containers "$service"); do
      expect "exit code of a container of $service" "$(inspect "$container" '{{.State.Status}} {{.State.ExitCode}}')" 'exited 0'
    done
  done
}

# How often each container of the apps was started again by itself.
restarts() {
  local container
  for container in $(containers api) $(containers worker); do inspect "$container" '{{.RestartCount}}'; done | paste -sd' ' -
}

# --- tasks

# curl with the API key that `first_key` has made.
ask() { curl -sS -H "authorization: Bearer ${key:-}" "$@"; }
http_status() { ask -o /dev/null -w '%{http_code}' "$@"; }

# start PATH JSON: prints the task's path
start() {
  local answer
  answer=$(ask -o /dev/null -w '%{http_code} %header{location}' -H 'content-type: application/json' -d "$2" "$url$1")
  case $answer in
    '202 /tasks/'*) echo "${answer#202 }" ;;
    *) fail "POST $1 answered '$answer'" ;;
  esac
}
start_car() { start /cars '{"brand":"Ford","make":"Mustang","model":2014,"color":"Blue"}'; }

# await_end TASK SECONDS: polls until the task leads to its resource, and prints that path
await_end() {
  local deadline=$((SECONDS + $2)) answer
  while true; do
    answer=$(ask -o /dev/null -w '%{http_code} %header{location} %header{retry-after}' "$url$1")
    case $answer in
      '303 '*) answer=${answer#303 } && echo "${answer%% *}" && return ;;
      '202 '*) ;;
      *) fail "GET $1 answered '$answer'" ;;
    esac
    [ "$SECONDS" -lt "$deadline" ] || fail "$1 has not ended after $2 s"
    sleep "${answer##* }"
  done
}

build_a_car() {
  local task
  task=$(start_car)
  await_end "$task" 60 >/dev/null
}

# --- the proofs

up_from_nothing() {
  local started
  started=$(now_ms)
  dc build
  echo "         (the image took $(since "$started"))"
  started=$(now_ms)
  dc up --build --wait
  expect 'health of api' "$(health api)" healthy
  expect 'health of redis' "$(health redis)" healthy
  expect 'health of worker' "$(health worker)" healthy
  expect 'GET /readyz' "$(http_status "$url/readyz")" 200
  proved "'docker compose up --build --wait' gives a healthy redis, api and worker, $(since "$started")"
}

image_is_lean() {
  local found
  found=$(dc exec -T api sh -c 'ls node_modules/.pnpm' |
    grep -E '^(testcontainers|vitest|@vitest|@biomejs|typescript|node|pino-pretty|@types.node|unpdf)[@+]' || true)
  expect 'development packages in the image' "$found" ''
  found=$(dc exec -T api sh -c 'find . -path "*/node_modules" -prune -o \( -name "*.test.ts" -o -name testing -o -name local-redis \) -print')
  expect 'tests in the image' "$found" ''
  dc exec -T api sh -c 'test -f packages/core/src/scripts/create.lua' || fail 'the Lua scripts are not in the image'
  proved "the image holds production packages and sources only; $(docker image inspect --format '{{.Size}}' "$project-api" | node -p 'Math.round(require("fs").readFileSync(0) / 1e6)') MB with Node"
}

# Of every process in the container: user, capabilities, whether it could get new privileges.
processes_of() {
  dc exec -T "$1" sh -c 'grep -hE "^(Uid|CapEff|CapBnd|NoNewPrivs):" /proc/[0-9]*/status' | tr '\t' ' ' | cut -d' ' -f1,2 | sort -u | paste -sd' ' -
}

processes_are_confined() {
  local service
  for service in api worker; do
    expect "processes of $service" "$(processes_of $service)" \
      "CapBnd: 0000000000000000 CapEff: 0000000000000000 NoNewPrivs: 1 Uid: $(dc exec -T $service id -u node)"
    if dc exec -T "$service" sh -c 'touch /app/x || touch /home/node/x || touch /usr/x' 2>/dev/null; then
      fail "the root file system of $service can be written to"
    fi
  done
  expect 'the process of redis' "$(dc exec -T redis grep -hE '^(Uid|CapEff|NoNewPrivs):' /proc/1/status | tr '\t' ' ' | cut -d' ' -f1,2 | sort | paste -sd' ' -)" \
    "CapEff: 0000000000000000 NoNewPrivs: 1 Uid: $(dc exec -T redis id -u redis)"
  if dc exec -T redis sh -c 'touch /x || touch /usr/x' 2>/dev/null; then fail 'the root file system of redis can be written to'; fi
  for service in redis api worker; do
    expect "limits of $service" "$(inspect "$(containers $service)" '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.PidsLimit}}')" 'true 256'
  done
  proved 'api and worker run as the user node, redis as redis, without capabilities, on read-only file systems, with limits'
}

first_key() {
  local made other task
  key=
  expect 'GET /tasks without a key' "$(curl -sS -o /dev/null -w '%{http_code} %header{www-authenticate}' "$url/tasks")" '401 Bearer realm="accepted"'
  made=$(dc exec -T api accepted keys create --tenant default --json)
  key=$(printf %s "$made" | json it.key)
  key_id=$(printf %s "$made" | json it.key_id)
  expect 'GET /tasks with the key' "$(http_status "$url/tasks")" 200
  other=$(dc exec -T worker accepted keys create --tenant demo --json)
  expect 'the keys, in every container' "$(dc exec -T worker accepted keys list --json | json 'it.map(({ tenant }) => tenant).sort().join()')" default,demo
  task=$(start_car)
  expect "a task of another tenant" "$(key=$(printf %s "$other" | json it.key) http_status "$url$task")" 404
  dc exec -T api accepted keys revoke "$(printf %s "$other" | json it.key_id)" >/dev/null
  sleep 2
  expect 'a revoked key' "$(key=$(printf %s "$other" | json it.key) http_status "$url/tasks")" 401
  proved "'accepted keys create' gives the first key; without one the API answers 401, and 401 again 2 s after it is revoked"
}

limits_and_audit() {
  local statuses='' i
  dc exec -T api accepted limits set --tenant default --requests 1 --json >"$work/limits"
  expect 'what limits set tells' "$(json '[it.tenant, it.requests, it.waiting, it.tenant_known].join(" ")' <"$work/limits")" 'default 1  true'
  expect 'the limits, in every container' "$(dc exec -T worker accepted limits list --json | json 'it.map(({ tenant, requests }) => `${tenant} ${requests}`).join()')" 'default 1'
  sleep 3
  for i in $(seq 12); do statuses="$statuses $(http_status "$url/tasks")"; done
  [[ $statuses == ' 200 '*' 429'* ]] || fail "12 requests at one a second were answered$statuses"
  dc exec -T api accepted limits clear --tenant default >/dev/null
  expect 'the limits, cleared' "$(dc exec -T api accepted limits list --json)" '[]'
  sleep 3
  statuses=$(for i in $(seq 12); do http_status "$url/tasks"; echo; done | sort -u | paste -sd' ' -)
  expect '12 requests without a limit of their own' "$statuses" 200
  dc exec -T api accepted audit list --tenant default --json >"$work/audit"
  expect 'what the operator did' "$(json 'it.filter(({ address }) => address === "command line").map(({ action, actor }) => `${action} ${actor.split("@")[0]}`).join(", ")' <"$work/audit")" \
    'limits.clear cli:node, limits.set cli:node, key.create cli:node'
  expect 'who started a car' "$(json 'it.filter(({ action }) => action === "task.create").at(-1).actor' <"$work/audit")" "$key_id"
  proved "'accepted limits set' holds within 3 s, 'clear' ends it, and 'accepted audit list' tells who did it"
}

secrets_are_kept() {
  local before file
  before=$(dc exec -T api accepted secrets list --json)
  expect 'secrets of' "$(printf %s "$before" | json 'it.map(({ tenant }) => tenant).join()')" default
  expect 'the same secrets' "$(dc exec -T worker accepted secrets list --json)" "$before"
  file=$(dc exec -T api stat -c '%a %U' /var/lib/accepted/secrets.key)
  expect 'the file of the key' "$file" '600 node'
  proved "'accepted secrets list' tells the same in every container; their key is in a volume, for its user alone"
}

redis_is_durable_and_private() {
  local container
  expect appendonly "$(dc exec -T redis redis-cli config get appendonly | tail -1 | tr -d '\r')" yes
  expect maxmemory-policy "$(dc exec -T redis redis-cli config get maxmemory-policy | tail -1 | tr -d '\r')" noeviction
  container=$(containers redis)
  expect 'ports of redis' "$(inspect "$container" '{{range .NetworkSettings.Ports}}{{range .}}{{.HostPort}}{{end}}{{end}}')" ''
  expect 'volume of redis' "$(inspect "$container" '{{range .Mounts}}{{.Name}}:{{.Destination}}{{end}}')" "${project}_redis:/data"
  container=$(containers api)
  expect 'addresses of the api' "$(inspect "$container" '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}}:{{.HostPort}} {{end}}{{end}}')" "127.0.0.1:$PORT "
  proved 'redis keeps an append-only file on its volume, evicts nothing and is not published; the API is on 127.0.0.1 only'
}

car_is_built() {
  local started car
  started=$(now_ms)
  first_task=$(start_car)
  car=$(await_end "$first_task" 60)
  expect 'the car' "$(ask "$url$car" | json '[it.brand, it.make, it.model, it.color].join(" ")')" 'Ford Mustang 2014 Blue'
  expect 'the absolute link' "$(ask "$url/operations/${first_task#/tasks/}" | json it.resourceLocation)" "http://localhost:$PORT$car"
  first_document=$(ask "$url$first_task")
  proved "a car: 202, polls, 303, the car, $(since "$started")"
}

demo_receives() {
  local task deadline
  dc --profile demo up --detach --wait receiver
  task=$(start /cars '{"brand":"Ford","make":"Mustang","model":2014,"color":"Blue","callback_url":"http://receiver:4000/"}')
  await_end "$task" 60 >/dev/null
  deadline=$((SECONDS + 20))
  until dc logs --no-log-prefix receiver | grep -q "task.completed ${task#/tasks/} /cars/"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the receiver has not said that $task is completed"
    sleep 0.3
  done
  expect 'Redis, seen from the receiver' "$(dc exec -T receiver node -e 'require("dns").lookup("redis", (fault) => console.log(fault ? "not there" : "there"))')" 'not there'
  expect 'a callback to Redis' "$(http_status -H 'content-type: application/json' "$url/cars" -d '{"brand":"Ford","make":"Mustang","model":2014,"color":"Blue","callback_url":"http://redis:6379/"}')" 422
  dc --profile demo rm --stop --force receiver receiver-secret
  proved "the demo's receiver verifies the callback of a car; a callback to Redis is refused"
}

report_is_made() {
  local task report
  expect 'POST /orders' "$(http_status -H 'content-type: application/json' "$url/orders" -d '{"order_id":"A-1","ordered_at":"2021-10-03T10:00:00Z","customer":"Zoë 山田","currency":"EUR","items":[{"sku":"X1","description":"Lamp","quantity":2,"unit_price":"9.50"}]}')" 201
  task=$(start /orders/reports '{"start_date":"2021-10-01","end_date":"2021-11-01"}')
  report=$(await_end "$task" 60)
  ask -o "$work/report.pdf" "$url$report"
  expect 'the report' "$(head -c 5 "$work/report.pdf")" '%PDF-'
  proved "a report as PDF, $(wc -c <"$work/report.pdf" | tr -d ' ') bytes: the fonts are in the image, no disk is needed"
}

four_workers_share() {
  local started container count total=0 counts='' i
  started=$(now_ms)
  dc up --detach --scale worker=4 --wait
  expect 'number of workers' "$(containers worker | wc -l | tr -d ' ')" 4
  echo "         (three more workers took $(since "$started"))"
  started=$(now_ms)
  for i in $(seq 40); do start_car; done >"$work/cars"
  while read -r task; do await_end "$task" 120 >/dev/null; done <"$work/cars"
  sed 's,/tasks/,,' "$work/cars" >"$work/ids"
  for container in $(containers worker); do
    count=$(docker logs "$container" 2>/dev/null | grep -F '"attempt started"' | grep -cF -f "$work/ids" || true)
    [ "$count" -gt 0 ] || fail 'a worker has built no car'
    counts="$counts $count"
    total=$((total + count))
  done
  expect 'attempts for 40 cars' "$total" 40
  proved "'--scale worker=4': 40 cars in $(since "$started"), by worker:$counts"
}

outage_shows_and_passes() {
  local started answer restarts_before
  restarts_before=$(restarts)
  started=$(now_ms)
  dc stop redis
  answer=$(ask -o "$work/answer" -w '%{http_code} %header{retry-after} %{time_total}' -H 'content-type: application/json' \
    -d '{"brand":"Ford","make":"Mustang","model":2014,"color":"Blue"}' "$url/cars")
  node -e 'const [code, wait, seconds] = process.argv[1].split(" "); process.exit(code === "503" && wait >= 1 && seconds < 1.5 ? 0 : 1)' "$answer" ||
    fail "POST /cars without redis answered '$answer'"
  await_health api unhealthy 60
  await_health worker unhealthy 60
  expect 'GET /healthz' "$(http_status "$url/healthz")" 200
  proved "without redis POST /cars answers 503 at once, and api and worker are unhealthy within $(since "$started")"
  started=$(now_ms)
  dc start redis
  await_health api healthy 60
  await_health worker healthy 60
  echo "         (healthy again $(since "$started") after redis was started)"
  build_a_car
  expect 'restarts of api and worker' "$(restarts)" "$restarts_before"
  proved 'with redis back the api is healthy again and cars are built; neither app was restarted'
}

expect_first_task() { expect "the first task" "$(ask "$url$first_task")" "$first_document"; }

data_outlives_redis() {
  dc restart redis
  await_health redis healthy 60
  await_health api healthy 60
  expect_first_task
  proved "a task is the same after 'docker compose restart redis'"
}

stop_is_clean() {
  local started i
  started=$(now_ms)
  dc stop api
  expect_clean_ends api
  proved "an idle api stops by itself, exit code 0, $(since "$started")"
  dc start api
  await_health api healthy 60
  for i in $(seq 8); do start_car; done >"$work/cars"
  sleep 1
  started=$(now_ms)
  dc stop
  expect_clean_ends api worker redis
  proved "'docker compose stop' during 8 cars: api, 4 workers and redis stop by themselves, exit code 0, $(since "$started")"
}

data_outlives_the_containers() {
  local document
  dc down
  dc up --detach --wait
  while read -r task; do
    document=$(ask "$url$task")
    expect 'a car that ran at the stop' "$(printf %s "$document" | json '[it.status, it.attempt].join(" ")')" 'completed 1'
  done <"$work/cars"
  expect_first_task
  proved "after 'down' and 'up' all is there: the 8 cars were finished before the stop, the first task is the same"
}

worker_comes_back() {
  local container
  container=$(containers worker)
  dc exec -T worker node -e '
    const { readdirSync, readFileSync } = require("fs")
    const pid = readdirSync("/proc").find((name) => name > 0 && name !== String(process.pid) && readFileSync(`/proc/${name}/cmdline`, "utf8").match(/^node\0.*apps\/worker\//))
    process.kill(pid, "SIGKILL")' || [[ $? == 137 ]] # The container may end before our command in it does.
  local deadline=$((SECONDS + 20))
  until [ "$(inspect "$container" '{{.State.Status}} {{.RestartCount}}')" = 'running 1' ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail 'a killed worker does not come back'
    sleep 0.3
  done
  build_a_car
  proved 'a worker that was killed is started again and builds cars'
}

up_from_nothing
image_is_lean
processes_are_confined
first_key
limits_and_audit
secrets_are_kept
redis_is_durable_and_private
car_is_built
demo_receives
report_is_made
four_workers_share
outage_shows_and_passes
data_outlives_redis
stop_is_clean
data_outlives_the_containers
worker_comes_back
echo "all proved in $SECONDS s"
