#!/usr/bin/env bash
# Builds the image of the local stack, runs it and looks (scripts/stack-probe.sh). As root on Debian 12 that needs no registry and
# leaves nothing behind but packages: an engine of its own, in namespaces of its own, on bases made by debootstrap, with the program
# that is built already. Elsewhere the engine that runs compiles the program in the build, as it does for anybody. STACK=0 leaves all of
# it out.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
cache="$target/stack"

fail() {
  echo "stack.sh: $1" >&2
  exit 1
}

# The rest of this script, in namespaces of its own: when it ends, so do its engine, its containers, mounts and interfaces.
if [ "${1:-}" = --inside ]; then
  export scratch=$2 DOCKER_HOST="unix://$2/docker.sock" DOCKER_CONFIG="$2/docker-config" DOCKER_BUILDKIT=1
  export PATH="/usr/bin:$PATH" # Debian's client knows BuildKit by itself.
  ip link set lo up
  dockerd --data-root "$scratch/data" --exec-root "$scratch/exec" --pidfile "$scratch/dockerd.pid" --host "$DOCKER_HOST" >"$scratch/dockerd.log" 2>&1 &
  engine=$!
  for _ in $(seq 1 300); do
    docker version >/dev/null 2>&1 && break
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.1
  done
  docker version >/dev/null 2>&1 || { tail -n 20 "$scratch/dockerd.log" >&2; fail "the engine does not start"; }

  docker import "$cache/base.tar" everreach-base >/dev/null
  docker import "$cache/services.tar" everreach-services >/dev/null
  # What the compose file pulls, from Debian: the same programs under the same names. There is no Chroma in Debian.
  docker build --quiet -t redis:7-alpine - >/dev/null <<'DOCKERFILE'
FROM everreach-services
RUN install -d -o redis /data
VOLUME /data
WORKDIR /data
DOCKERFILE
  docker build --quiet -t prom/prometheus:v3.5.0 - >/dev/null <<'DOCKERFILE'
FROM everreach-services
RUN install -d -o nobody /prometheus
USER nobody
ENTRYPOINT ["prometheus"]
DOCKERFILE
  docker build --quiet -f docker/Dockerfile.local -t everreach-local \
    --build-arg PROGRAM=prebuilt --build-arg RUN_IMAGE=everreach-base "$scratch/context" >/dev/null

  scripts/stack-probe.sh local-terminal redis prometheus
  exit
fi

install_tools() {
  local missing=() tool
  for tool in dockerd:docker.io debootstrap:debootstrap ip:iproute2 iptables:iptables unshare:util-linux strip:binutils; do
    command -v "${tool%:*}" >/dev/null 2>&1 || missing+=("${tool#*:}")
  done
  [ "${#missing[@]}" = 0 ] && return
  echo "installing ${missing[*]}"
  apt-get update -qq && env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

mirror() { # where this machine's own apt finds its release
  # shellcheck disable=SC2016 # apt reads what stands in parentheses.
  apt-get indextargets --format '$(SITE) $(RELEASE)' | awk -v suite="$suite" '$2 == suite {print $1; exit}'
}

# Made once.
make_bases() {
  [ -f "$cache/services.tar" ] && return
  local folder
  folder=$(mktemp -d -p "$memory" everreach-base.XXXXXX)
  echo "making the bases from $suite, once"
  if debootstrap --variant=minbase "$suite" "$folder/root" "$(mirror)" >"$cache/debootstrap.log" 2>&1 &&
    tar -C "$folder/root" --exclude './var/cache/apt/*' --exclude './var/lib/apt/lists/*' --numeric-owner -cf "$cache/base.tar" . &&
    chroot "$folder/root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server prometheus wget >>"$cache/debootstrap.log" 2>&1; then
    tar -C "$folder/root" --exclude './var/cache/apt/*' --exclude './var/lib/apt/lists/*' --exclude ./usr/share/doc --exclude ./usr/share/javascript --exclude ./usr/share/locale --exclude ./usr/bin/promtool --numeric-owner -cf "$cache/services.tar.new" .
    mv "$cache/services.tar.new" "$cache/services.tar"
    rm -rf "$folder"
  else
    tail -n 20 "$cache/debootstrap.log" >&2
    rm -rf "$folder"
    fail "the bases cannot be made"
  fi
}

# Debian 12 has only Compose 1, so the second comes from the package of the release after.
find_compose() {
  local found deb
  for found in /usr/libexec/docker/cli-plugins/docker-compose /usr/lib/docker/cli-plugins/docker-compose "$cache/docker-compose"; do
    [ -x "$found" ] && compose=$found && return
  done
  echo "fetching Docker Compose, once"
  mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
  echo "deb $(mirror) trixie main" >"$cache/apt/sources.list"
  local options=(-qq -o "Dir::Etc::sourcelist=$cache/apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$cache/apt/lists"
    -o "Dir::Cache=$cache/apt" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update || fail "the packages of trixie cannot be read"
  (cd "$cache/apt" && apt-get "${options[@]}" download docker-compose >/dev/null) || fail "Docker Compose cannot be fetched"
  deb=$(ls "$cache"/apt/docker-compose_*.deb)
  dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/libexec/docker/cli-plugins/docker-compose >"$cache/docker-compose.new"
  chmod +x "$cache/docker-compose.new"
  mv "$cache/docker-compose.new" "$cache/docker-compose"
  rm -rf "$cache/apt"
  compose="$cache/docker-compose"
}

if [ "${STACK:-1}" = 0 ]; then
  echo "STACK=0: the image and the stack are not tried"
  exit
fi
# shellcheck disable=SC1091 # A file of the machine.
suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}" || true)
if [ "$(id -u)" != 0 ] || [ "$suite" != bookworm ]; then
  docker info >/dev/null 2>&1 ||
    fail "no Docker engine answers: start one, run this as root on Debian 12, where it brings its own, or leave this out with STACK=0"
  DOCKER_BUILDKIT=1 docker build -f docker/Dockerfile.local -t everreach-local .
  exec scripts/stack-probe.sh
fi

# Both debootstrap and an engine sync every file they write, for nothing here.
memory=/tmp
if [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null; then
  memory=/dev/shm
fi

program=${EVERREACH_PROGRAM:-$target/debug/everreach}
[ -x "$program" ] || fail "there is no $program: run \`cargo build --bin everreach\`, or name another in EVERREACH_PROGRAM"
mkdir -p "$cache"
install_tools
make_bases
find_compose

scratch=$(mktemp -d -p "$memory" everreach-stack.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/context" "$scratch/docker-config/cli-plugins"
strip -o "$scratch/context/everreach" "$program"
cp -L /etc/ssl/certs/ca-certificates.crt "$scratch/context/"
ln -s "$compose" "$scratch/docker-config/cli-plugins/docker-compose"
unshare --mount --net --pid --fork --kill-child --mount-proc "$0" --inside "$scratch"
