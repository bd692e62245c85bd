#!/usr/bin/env bash
# Looks at the image everreach-local and at the stack around it, on the engine that DOCKER_HOST names. Arguments are the services to
# start; all of them without. scripts/stack.sh builds the image and calls this.
set -euo pipefail
cd "$(dirname "$0")/.."

name="everreach-probe-$$"
export COMPOSE_PROJECT_NAME="$name"
project=$(mktemp -d "${TMPDIR:-/tmp}/everreach-project.XXXXXX")
key="er_admin_$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"

finish() {
  local code=$?
  trap - EXIT
  if [ "$code" != 0 ]; then
    docker logs "$name" 2>&1 | tail -n 20 >&2 || true
    [ ! -e "$project/.env" ] || (cd "$project" && docker compose -f docker/docker-compose.yml --env-file .env logs --tail 20 >&2) || true
  fi
  docker rm --force --volumes "$name" >/dev/null 2>&1 || true
  docker volume rm --force "$name" >/dev/null 2>&1 || true
  [ ! -e "$project/.env" ] || "$project/scripts/local.sh" down --volumes --timeout 0 >/dev/null 2>&1 || true
  rm -rf "$project"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

see() { # WHAT WANTED SEEN
  if [ "$2" != "$3" ]; then
    echo "stack: $1: wanted $2, saw $3" >&2
    exit 1
  fi
  echo "   $1: $3"
}

await() { # WHAT WANTED COMMAND…: until the command prints what is wanted, 60 s at most
  local what=$1 wanted=$2 seen="" end=$((SECONDS + 60))
  shift 2
  while [ "$SECONDS" -lt "$end" ]; do
    seen=$("$@" 2>&1 || true)
    [ "$seen" = "$wanted" ] && break
    sleep 0.2
  done
  see "$what" "$wanted" "$seen"
}

status_of() { # METHOD URL [KEY]
  python3 - "$@" <<'PYTHON'
import sys, urllib.error, urllib.request
method, url, *key = sys.argv[1:]
request = urllib.request.Request(url, method=method, headers={"Authorization": "Bearer " + k for k in key})
try:
    print(urllib.request.urlopen(request, timeout=5).status)
except urllib.error.HTTPError as error:
    print(error.code)
PYTHON
}

inspect() { docker inspect --format "$1" "$name"; }

run_alone() { # ARGUMENTS of docker run…
  docker run --detach --name "$name" --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
    --volume "$name:/app/data" --publish 127.0.0.1::8080 --health-interval 1s "$@" everreach-local >/dev/null
}

echo "-- the image"
see "its user" 10001:10001 "$(docker inspect --format '{{.Config.User}}' everreach-local)"
echo "   its size: $(docker inspect --format '{{.Size}}' everreach-local | awk '{printf "%.0f MB", $1 / 1e6}')"

echo "-- a container alone, on a read-only root and without capabilities"
run_alone
see "without a key it ends with" 2 "$(docker wait "$name")"
see "and says what is missing" 1 "$(docker logs "$name" 2>&1 | grep -c 'set EVERREACH_ADMIN_KEY')"
docker rm "$name" >/dev/null

run_alone --env EVERREACH_ADMIN_KEY="$key"
await "with one it gets healthy" healthy inspect '{{.State.Health.Status}}'
url="http://$(docker port "$name" 8080/tcp)"
see "GET /health" 200 "$(status_of GET "$url/health")"
see "GET /api/cost without the key" 401 "$(status_of GET "$url/api/cost")"
see "GET /api/cost with the key" 200 "$(status_of GET "$url/api/cost" "$key")"
see "the first process's user" 10001 "$(docker exec "$name" awk '/^Uid:/ {print $2}' /proc/1/status)"
see "writing outside the data" refused "$(docker exec "$name" sh -c 'touch /app/x 2>/dev/null && echo written || echo refused')"
docker exec "$name" everreach --quiet keys create keeper --scope read >/dev/null
begun=$SECONDS
docker stop --time 30 "$name" >/dev/null
see "SIGTERM ends it with" "exit 0" "exit $(inspect '{{.State.ExitCode}}')"
echo "   within: $((SECONDS - begun)) s"
docker start "$name" >/dev/null
await "started again" healthy inspect '{{.State.Health.Status}}'
docker kill --signal KILL "$name" >/dev/null
docker start "$name" >/dev/null
await "started after kill -9" healthy inspect '{{.State.Health.Status}}'
see "keys of before" 1 "$(docker exec "$name" everreach --quiet keys list | grep -c keeper)"
docker rm --force "$name" >/dev/null

echo "-- the stack: ${*:-all of it}"
mkdir -p "$project/scripts"
cp -r docker "$project/docker"
cp scripts/local.sh "$project/scripts/"
sed -i 's/scrape_interval: .*/scrape_interval: 1s/' "$project/docker/prometheus.yml"
local_stack() { "$project/scripts/local.sh" "$@"; }
compose() { (cd "$project" && docker compose -f docker/docker-compose.yml --env-file .env "$@"); }
target_health() {
  python3 -c '
import json, urllib.request
targets = json.load(urllib.request.urlopen("http://127.0.0.1:9090/api/v1/targets", timeout=5))["data"]["activeTargets"]
print(*(t["health"] for t in targets if t["labels"]["job"] == "local-terminal"))'
}
prometheus_keys() { compose exec -T local-terminal everreach --quiet keys list | grep -c prometheus; }

local_stack up --quiet-pull "$@" >"$project/up.log" 2>&1 || { cat "$project/up.log" >&2; exit 1; }
see "the key that was made is nobody else's to read" 600 "$(stat -c %a "$project/.env")"
admin=$(sed -n 's/^EVERREACH_ADMIN_KEY=//p' "$project/.env")
await "GET /api/cost with it" 200 status_of GET http://127.0.0.1:8080/api/cost "$admin"
await "Redis" PONG compose exec -T redis redis-cli ping
await "Prometheus reads /metrics" up target_health
reader=$(compose exec -T prometheus cat /keys/prometheus)
see "its key for GET /metrics" 200 "$(status_of GET http://127.0.0.1:8080/metrics "$reader")"
see "its key for POST /api/stop" 403 "$(status_of POST http://127.0.0.1:8080/api/stop "$reader")"
see "ports for other machines" 0 "$(docker ps --format '{{.Ports}}' --filter "label=com.docker.compose.project=$name" | grep -cE '(0\.0\.0\.0|::):' || true)"
local_stack down >/dev/null 2>&1
local_stack up "$@" >"$project/up.log" 2>&1 || { cat "$project/up.log" >&2; exit 1; }
see "down and up again, Prometheus has the key it had" "1 that works: 200" \
  "$(prometheus_keys) that works: $(status_of GET http://127.0.0.1:8080/metrics "$(compose exec -T prometheus cat /keys/prometheus)")"
