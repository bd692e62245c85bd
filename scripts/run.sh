#!/usr/bin/env bash
# Builds EverReach, starts it with the example worker, routes one action, and stays until Ctrl-C. PORT says where to begin looking
# for a free port (8080).
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo >/dev/null 2>&1; then
  echo "run.sh: there is no Rust toolchain here: install one with rustup (rustc 1.95 or newer), then run this again" >&2
  exit 1
fi

cargo build --release --locked --bin everreach
everreach="${CARGO_TARGET_DIR:-target}/release/everreach"

scratch=$(mktemp -d)
children=()
finish() {
  trap - EXIT INT TERM
  for child in "${children[@]}"; do
    kill "$child" 2>/dev/null || true
  done
  for child in "${children[@]}"; do
    wait "$child" 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 0' TERM
# Ctrl-C reaches the server too; it gets a moment to finish what is under way, since a second signal would end it at once.
server=""
trap 'for _ in $(seq 1 30); do [ -n "$server" ] && kill -0 "$server" 2>/dev/null || break; sleep 0.1; done; exit 0' INT

# Waits until a pattern stands in a file, and prints what it matched; gives up when the writer is gone.
await() { # PATTERN FILE PID
  local found
  for _ in $(seq 1 200); do
    if found=$(grep -o -m1 "$1" "$2" 2>/dev/null); then
      echo "$found"
      return
    fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.05
  done
  echo "run.sh: it did not start; this is what it said:" >&2
  cat "$2" >&2
  return 1
}

# The status of a GET, by bash alone: a machine may have neither curl nor wget.
status_of() { # HOST PORT PATH
  exec 3<>"/dev/tcp/$1/$2" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n' "$3" "$1" "$2" >&3
  local line
  read -r -t 5 line <&3 || line=""
  exec 3>&- 3<&-
  echo "$line" | cut -d ' ' -f 2
}

dev=(dev --port "${PORT:-8080}")
if command -v python3 >/dev/null 2>&1; then
  python3 examples/python-worker/worker.py --port 0 >"$scratch/worker.out" 2>&1 &
  children+=($!)
  LOCAL_ENDPOINT=$(await 'http://127.0.0.1:[0-9]*' "$scratch/worker.out" $!)
  export LOCAL_ENDPOINT
  echo "worker     $LOCAL_ENDPOINT (examples/python-worker)"
  action=content.analyze_video
  params='{"transcript": "Why do most cold messages fail? They talk about the sender. Ask one honest question instead. Follow for more.", "duration_s": 9}'
else
  echo "there is no python3 here, so the built-in demo service takes the worker's place"
  dev+=(--demo)
  action=demo.statistics
  params='{"text": "Why do most cold messages fail? They talk about the sender."}'
fi

"$everreach" "${dev[@]}" >"$scratch/dev.out" 2>"$scratch/dev.err" &
server=$!
children+=("$server")
url=$(await 'http://127.0.0.1:[0-9]*' "$scratch/dev.out" "$server") || { cat "$scratch/dev.err" >&2; exit 1; }
host_port=${url#http://}
for _ in $(seq 1 100); do
  [ "$(status_of "${host_port%:*}" "${host_port#*:}" /readyz 2>/dev/null)" = 200 ] && break
  sleep 0.05
done
cat "$scratch/dev.err" "$scratch/dev.out"

EVERREACH_KEY=$(sed -n 's/^key  *\([^ ]*\).*/\1/p' "$scratch/dev.out")
export EVERREACH_KEY
printf '\n$ everreach route %s --explain\n' "$action"
"$everreach" --server "$url" route "$action" --params "$params" --explain
printf '\n$ everreach route %s --params '"'%s'"'\n' "$action" "$params"
"$everreach" --server "$url" route "$action" --params "$params"
printf '\nEverReach runs on %s. Ctrl-C ends it.\n' "$url"
wait "$server"
