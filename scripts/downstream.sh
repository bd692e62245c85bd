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
rm -rf "$scratch" "$target/downstream/crate"
mkdir -p "$scratch"
tar -xzmf "$target/package/$package.crate" -C "$scratch"

# A copy too: whoever adds the crate gets the dependencies it has now, whatever the committed lock file knew.
cp -r examples/downstream "$target/downstream/crate"
(cd examples/downstream && cargo fmt --check)
cd "$target/downstream/crate"
CARGO_TARGET_DIR="$target/downstream" cargo test --config "patch.crates-io.everreach-core.path=\"$scratch/$package\""
