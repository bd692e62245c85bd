#!/usr/bin/env bash
# Packages the core and tests examples/downstream against the package, as somebody who added the crate would get it.
set -euo pipefail
cd "$(dirname "$0")/.."

{
  read -r target
  read -r version
} < <(cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
workspace = json.load(sys.stdin)
print(workspace["target_directory"])
print(next(package["version"] for package in workspace["packages"] if package["name"] == "everreach-core"))')
package="everreach-core-$version"

cargo package --locked -p everreach-core --allow-dirty --no-verify

# Unpacked afresh with new times, so that cargo sees every change.
scratch="$target/downstream/package"
rm -rf "$scratch"
mkdir -p "$scratch"
tar -xzmf "$target/package/$package.crate" -C "$scratch"

cd examples/downstream
cargo fmt --check
CARGO_TARGET_DIR="$target/downstream" cargo test --locked \
  --config "patch.crates-io.everreach-core.path=\"$scratch/$package\""
