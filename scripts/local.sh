#!/usr/bin/env bash
# The local stack of docker/docker-compose.yml: local.sh up|down|status|build|logs. COMPOSE names another compose program.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
  echo "local.sh: $1" >&2
  exit 1
}

find_compose() {
  if [ -n "${COMPOSE:-}" ]; then
    read -ra compose <<<"$COMPOSE"
    return
  fi
  command -v docker >/dev/null 2>&1 ||
    missing "there is no docker here: install Docker Desktop, or Docker Engine with its compose plugin, then run this again"
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
  elif docker-compose version --short 2>/dev/null | grep -qE '^v?([2-9]|[1-9][0-9])\.'; then
    compose=(docker-compose)
  else
    missing "docker is here, but not Docker Compose 2.24 or newer: install the compose plugin (docker-compose-plugin), then run this again"
  fi
  docker info >/dev/null 2>&1 ||
    missing "docker is here, but no engine answers: start Docker Desktop or the docker service (or join the group docker), then run this again"
}

# The server listens inside its container for others, so it wants a key.
ensure_key() {
  [ -z "${EVERREACH_ADMIN_KEY:-}" ] || return 0
  grep -qsE '^(export )?EVERREACH_ADMIN_KEY=.' .env && return
  [ -e .env ] || (umask 077 && echo "# Settings of EverReach; .env.example lists them all." >.env)
  [ -z "$(tail -c 1 .env)" ] || echo >>.env
  echo "EVERREACH_ADMIN_KEY=er_admin_$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >>.env
  echo "a new EVERREACH_ADMIN_KEY is in .env; keep that file to yourself"
}

verb=${1:-}
case "$verb" in
  up | build)
    find_compose
    ensure_key
    ;;
  down | status | logs)
    find_compose
    # To look at the stack or to end it, no key is needed.
    export EVERREACH_ADMIN_KEY="${EVERREACH_ADMIN_KEY:-unused}"
    ;;
  *) missing "usage: scripts/local.sh up|down|status|build|logs [ARGUMENTS of docker compose]" ;;
esac
shift
compose+=(-f docker/docker-compose.yml)
[ ! -e .env ] || compose+=(--env-file .env)

case "$verb" in
  up)
    "${compose[@]}" up --detach "$@"
    cat <<'TEXT'

EverReach   http://127.0.0.1:8080   (the key is EVERREACH_ADMIN_KEY in .env)
Prometheus  http://127.0.0.1:9090
Redis       127.0.0.1:6379
Chroma      http://127.0.0.1:8000
make local-status, make logs and make local-down look after it
TEXT
    ;;
  down)
    "${compose[@]}" down "$@"
    echo "the data is kept in volumes (docker volume ls); make local-up goes on with it"
    ;;
  status) "${compose[@]}" ps --all "$@" ;;
  build) "${compose[@]}" build "$@" local-terminal ;;
  logs) "${compose[@]}" logs --follow --tail 100 "$@" ;;
esac
