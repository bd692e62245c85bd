#!/usr/bin/env bash
# Everything that is checked through the built wheel, in a clean virtual environment: types, stubs, doc tests, the pytest suites,
# and a smoke script on every other Python on this machine. The wheel is the newest in $CARGO_TARGET_DIR/wheels (`make wheel`);
# arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-$PWD/target}"
venv="$target/pytest-venv"
wheel=$(ls -t "$target"/wheels/everreach-*.whl 2>/dev/null | head -n 1 || true)
if [ -z "$wheel" ]; then
  echo "pytest.sh: there is no wheel in $target/wheels: run \`make wheel\`, then this again" >&2
  exit 1
fi

scratch=$(mktemp -d /tmp/everreach-pytest.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
# Nothing of the caller's own Python may be seen instead of what was installed.
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP
export PYTHONDONTWRITEBYTECODE=1

step() { # NAME COMMAND…
  local name=$1 begun=$SECONDS
  shift
  echo "-- $name"
  if ! "$@"; then
    echo "-- $name: FAILED after $((SECONDS - begun)) s" >&2
    exit 1
  fi
  echo "-- $name: ok, $((SECONDS - begun)) s"
}

clean_venv() {
  rm -rf "$venv" &&
    python3 -m venv "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt "$wheel" &&
    "$venv/bin/python" -c 'import everreach, sys; print(f"everreach {everreach.__version__} on Python {sys.version.split()[0]}")'
}

types() {
  (cd everreach-py && "$venv/bin/python" -m mypy --strict --python-executable "$venv/bin/python" --cache-dir "$scratch/mypy") &&
    "$venv/bin/python" -m mypy --strict --config-file everreach-py/pyproject.toml --cache-dir "$scratch/mypy" tests/python/*.py
}

stubs() {
  (cd "$scratch" && "$venv/bin/python" -m mypy.stubtest everreach --mypy-config-file "$OLDPWD/everreach-py/pyproject.toml" \
    --allowlist "$OLDPWD/everreach-py/stubtest.allow")
}

# The installed package, not the sources: those have no native half.
doc_tests() {
  local package
  package=$(cd "$scratch" && "$venv/bin/python" -c 'import everreach, os; print(os.path.dirname(everreach.__file__))')
  (cd "$scratch" && "$venv/bin/python" -m pytest -q -p no:cacheprovider -W error --rootdir "$package" --doctest-modules "$package")
}

suites() {
  "$venv/bin/python" -m pytest -c tests/python/pytest.ini --rootdir tests/python tests/python "$@"
}

smoke() {
  cat >"$scratch/smoke.py" <<'PYTHON'
import asyncio, os, sys, tempfile

os.environ["EVERREACH_DATA_DIR"] = tempfile.mkdtemp(dir=os.path.dirname(os.path.abspath(__file__)))
from everreach import ActionClassifier, CostGuard, HybridOrchestrator

async def coroutine(topic, params):
    await asyncio.sleep(0)
    return {"ok": True, "topic": topic, "result": params}

def plain(topic, params):
    return {"ok": True, "topic": topic, "result": params}

for local in (plain, coroutine):
    with HybridOrchestrator(local=local) as orchestrator:
        assert orchestrator.route_sync("dm.stats", {"n": 1}).result == {"n": 1}
        assert asyncio.run(orchestrator.route("dm.stats", {"n": 2})).result == {"n": 2}
        assert len(orchestrator.batch_execute_sync([{"action": "content.generate"}] * 3)) == 3
assert ActionClassifier().classify("dm.send") == "api"
assert CostGuard().get_monthly_cost_sync()["total_usd"] == 0
print("ran on Python " + sys.version.split()[0])
PYTHON
  local python version seen=" " ran=0
  local ask="import sys; sys.version_info >= (3, 9) and sys.implementation.name == 'cpython' and print('%d.%d' % sys.version_info[:2])"
  for python in "$HOME"/.pyenv/versions/*/bin/python3 /usr/bin/python3 /usr/local/bin/python3 /opt/homebrew/bin/python3; do
    [ -x "$python" ] || continue
    # Others than CPython 3.9 or newer say nothing, and are left out; so is a second one of the same version.
    version=$("$python" -c "$ask" 2>/dev/null || true)
    case "$seen" in *" $version "*) continue ;; esac
    [ -n "$version" ] || continue
    seen="$seen$version "
    # The wheel has no dependencies: unpacked beside the script it is installed.
    "$python" -m zipfile -e "$wheel" "$scratch/site-$version" || return 1
    PYTHONPATH="$scratch/site-$version" "$python" -X dev -W error "$scratch/smoke.py" || return 1
    ran=$((ran + 1))
  done
  echo "$ran interpreters"
}

step "a clean environment with $(basename "$wheel")" clean_venv
step "types" types
step "stubs" stubs
step "doc tests" doc_tests
step "a smoke script on every Python here" smoke
step "pytest" suites "$@"
