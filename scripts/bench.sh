#!/usr/bin/env bash
# The benches in process, then the program beside FastAPI, the queue beside other queues and the wheel beside a plain-Python orchestrator, each in one run. Close what else runs on the machine; ratios are what counts.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"

if ! command -v wrk >/dev/null 2>&1; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "bench.sh: wrk is needed to put load on the servers: install it, then run this again" >&2
    exit 1
  fi
  root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  "${root[@]}" apt-get update -qq && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq wrk >/dev/null
fi
python="$target/bench-venv/bin/python"
if [ ! -x "$python" ]; then
  python3 -m venv "$target/bench-venv"
  "$target/bench-venv/bin/pip" install -q -r benches/peers/requirements.txt
fi

cargo build --locked --profile dist --bin everreach --example bench_cloud_stub --example bench_safari_queue
cargo bench --locked -p everreach
"$python" benches/peers/run.py --binary "$target/dist/everreach" --stub "$target/dist/examples/bench_cloud_stub"
"$python" -B benches/peers/queue/run.py --binary "$target/dist/examples/bench_safari_queue"

scripts/wheel.sh
wheel=$(ls "$target"/wheels/everreach-*.whl)
"$target/bench-venv/bin/pip" install -q --force-reinstall --no-deps "$wheel"
"$python" -B benches/peers/python_run.py --wheel "$wheel"
