#!/usr/bin/env bash
# Packages the core and tests examples/downstream against the package, as somebody who added the crate would get it.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(cargo metadata --locked --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
version=$(cargo metadata --locked --no-deps --format-version 1 |
  python3 -c 'import json, sys; print(next(p["version"] for p in json.load(sys.stdin)["packages"] if p["name"] == "everreach-core"))')
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
