#!/usr/bin/env bash
# Checks the dependencies against deny.toml; installs cargo-deny where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
  cargo install --locked cargo-deny
fi
# Advisories need their database from the network; licences, bans and sources do not.
checks=(licenses bans sources)
if [ "${AUDIT_OFFLINE:-0}" = 1 ]; then
  echo "AUDIT_OFFLINE=1: advisories are not checked"
else
  checks=(advisories "${checks[@]}")
fi
cargo deny --all-features check "${checks[@]}"
