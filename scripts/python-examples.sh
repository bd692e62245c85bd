#!/usr/bin/env bash
# Runs every Python example with an interpreter that has the wheel (the one of scripts/pytest.sh when none is named), checks their
# types, and stops at the first red one. `scripts/python-examples.sh [PYTHON]`
set -euo pipefail
cd "$(dirname "$0")/.."

python="${1:-${CARGO_TARGET_DIR:-$PWD/target}/pytest-venv/bin/python}"
examples="$PWD/examples"
if ! "$python" -c 'import everreach, fastapi, httpx, mypy, uvicorn'; then
  echo "python-examples.sh: $python needs the wheel, mypy and examples/python/requirements.txt: pip install them into it" >&2
  exit 1
fi

# They run in a folder of their own, in which nothing may stay behind.
scratch=$(mktemp -d /tmp/everreach-examples.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/here"

run() { # NAME COMMAND…
  local name=$1
  shift
  echo "== $name"
  if ! (cd "$scratch/here" && PYTHONDONTWRITEBYTECODE=1 timeout 120 "$@") >"$scratch/output" 2>&1; then
    cat "$scratch/output" >&2
    echo "== $name: FAILED" >&2
    exit 1
  fi
  if [ -n "$(ls -A "$scratch/here")" ]; then
    echo "== $name: FAILED: it left $(ls -A "$scratch/here") behind" >&2
    exit 1
  fi
}

ran=0
for program in "$examples"/python/*.py; do
  name=$(basename "$program")
  options=()
  [ "$name" != fastapi_app.py ] || options=(--once)
  run "$name" "$python" "$program" ${options[@]+"${options[@]}"}
  ran=$((ran + 1))
done
run in_process.py "$python" "$examples/python-worker/in_process.py"
run "tests of the worker" "$python" -m unittest discover -s "$examples/python-worker"
run "types" "$python" -m mypy --strict --cache-dir "$scratch/mypy" "$examples"/python/*.py
run "types of the worker" env MYPYPATH="$examples/python-worker" \
  "$python" -m mypy --strict --cache-dir "$scratch/mypy" "$examples"/python-worker/{in_process,test_in_process,worker}.py
echo "$((ran + 1)) examples: ok"
