#!/usr/bin/env bash
# Builds the Python wheel into $CARGO_TARGET_DIR/wheels, with a maturin of its own. The profile is the one that is shipped unless
# EVERREACH_WHEEL_PROFILE names another.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
tools="$CARGO_TARGET_DIR/wheel-tools"
if [ ! -x "$tools/bin/maturin" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.9,<2'
fi
rm -f "$CARGO_TARGET_DIR"/wheels/everreach-*.whl
"$tools/bin/maturin" build --manifest-path everreach-py/Cargo.toml \
  --profile "${EVERREACH_WHEEL_PROFILE:-dist}" --out "$CARGO_TARGET_DIR/wheels"
ls -l "$CARGO_TARGET_DIR"/wheels/everreach-*.whl
