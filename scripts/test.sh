#!/usr/bin/env bash
# Every check that a change has to pass, in order, each with its time; stops at the first red one.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d /tmp/everreach-test.XXXXXX)
postgres_bin=""

# PostgreSQL refuses to run as root; everybody else runs it themselves.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    su postgres -s /bin/sh -c "$(printf '%q ' "$@")"
  else
    "$@"
  fi
}

finish() {
  local code=$?
  trap - EXIT
  if [ -f "$scratch/postgres/postmaster.pid" ]; then
    as_postgres "$postgres_bin/pg_ctl" -D "$scratch/postgres" -m immediate -w stop >/dev/null 2>&1 || true
  fi
  rm -rf "$scratch"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { # NAME COMMAND…
  local name=$1 begun=$SECONDS
  shift
  echo "== $name"
  if ! "$@"; then
    echo "== $name: FAILED after $((SECONDS - begun)) s" >&2
    exit 1
  fi
  echo "== $name: ok, $((SECONDS - begun)) s"
}

find_postgres() {
  local directory
  for directory in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) /opt/homebrew/opt/postgresql*/bin /usr/local/bin; do
    if [ -x "$directory/initdb" ]; then
      echo "$directory"
      return
    fi
  done
}

tools() {
  if ! command -v python3 >/dev/null 2>&1; then
    echo "test.sh: python3 is needed for the wheel and the example worker: install it, then run this again" >&2
    return 1
  fi
  if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null 2>&1; then
      echo "test.sh: python3 makes no virtual environments (venv, ensurepip): install them, then run this again" >&2
      return 1
    fi
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null || return 1
  fi
  if ! cargo nextest --version >/dev/null 2>&1; then
    cargo install cargo-nextest --locked || return 1
  fi
  if [ -z "$(find_postgres)" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
      echo "test.sh: PostgreSQL is needed (initdb, pg_ctl): install it, then run this again" >&2
      return 1
    fi
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null || return 1
  fi
  if ! command -v redis-server >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null 2>&1; then
      echo "test.sh: redis-server is needed: install Redis, then run this again" >&2
      return 1
    fi
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null
  fi
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_postgres() {
  postgres_bin=$(find_postgres)
  local port
  port=$(free_port) || return 1
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$scratch" || return 1
  fi
  as_postgres "$postgres_bin/initdb" -D "$scratch/postgres" -A trust -U postgres >/dev/null || return 1
  as_postgres "$postgres_bin/pg_ctl" -D "$scratch/postgres" -l "$scratch/postgres.log" -w start \
    -o "-p $port -k $scratch -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300" >/dev/null || return 1
  export EVERREACH_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
}

features_alone() {
  cargo check --locked -p everreach-core --no-default-features &&
    cargo check --locked -p everreach-core --no-default-features --features postgres &&
    cargo check --locked -p everreach-core --no-default-features --features redis &&
    cargo check --locked -p everreach-core --no-default-features --features mock
}

examples() {
  local example
  for example in examples/*.rs; do
    # One that serves serves itself once; the others take no arguments.
    cargo run --locked --quiet --example "$(basename "$example" .rs)" -- --once || return 1
  done
}

python_examples() {
  local python=${CARGO_TARGET_DIR:-target}/pytest-venv/bin/python
  "$python" -m pip install --quiet --disable-pip-version-check -r examples/python/requirements.txt && scripts/python-examples.sh "$python"
}

step "tools" tools
step "a private PostgreSQL" start_postgres
step "format" cargo fmt --all --check
step "clippy" cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
step "each feature of the core alone" features_alone
step "the program" cargo build --locked --workspace --all-features --bins
step "tests" cargo nextest run --locked --workspace --all-features --no-fail-fast
step "doc tests" cargo test --locked --workspace --all-features --doc
step "documentation" env RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --all-features --no-deps
step "the core as a package" cargo package --locked -p everreach-core --allow-dirty
step "downstream" scripts/downstream.sh
step "examples" examples
step "the example worker" python3 -B -m unittest discover -s examples/python-worker
# The profile of development: it is built already, for the most part, and what is tested is the same.
step "the wheel" env EVERREACH_WHEEL_PROFILE=dev scripts/wheel.sh
step "python" scripts/pytest.sh
step "python examples" python_examples
step "container files and templates" scripts/infra.sh
step "the local stack in containers" scripts/stack.sh
echo "all green after $SECONDS s"
