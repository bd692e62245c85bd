#!/usr/bin/env bash
# Builds the image of the local stack, runs it and looks (scripts/stack-probe.sh). As root on Debian 12 that needs no registry and
# leaves nothing behind but packages: an engine of its own, in namespaces of its own, on bases made by debootstrap, with the program
# that is built already. Elsewhere the engine that runs compiles the program in the build, as it does for anybody. STACK=0 leaves all of
# it out.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
[[ $target = /* ]] || target="$PWD/$target"
cache="$target/stack"

fail() {
  echo "stack.sh: $1" >&2
  exit 1
}

# The rest of this script, in namespaces of its own: when it ends, so do its engine, its containers, mounts and interfaces.
if [ "${1:-}" = --inside ]; then
  export scratch=$2 DOCKER_HOST="unix://$2/docker.sock" DOCKER_CONFIG="$2/docker-config" DOCKER_BUILDKIT=1 TMPDIR=$2
  export PATH="/usr/bin:$PATH" # Debian's client knows BuildKit by itself.
  ip link set lo up
  dockerd --data-root "$scratch/data" --exec-root "$scratch/exec" --pidfile "$scratch/dockerd.pid" --host "$DOCKER_HOST" \
    --cgroup-parent "/${scratch##*/}" >"$scratch/dockerd.log" 2>&1 &
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

pack() { # FOLDER FILE EXCLUDED…
  local folder=$1 file=$2
  shift 2
  tar -C "$folder" "${@/#/--exclude=}" --numeric-owner -cf "$file.new" . && mv "$file.new" "$file"
}

# Two systems, made once: one for the image, and one with the programs that stand beside it.
make_bases() {
  [ -f "$cache/services.tar" ] && return
  echo "making the bases from $suite, once"
  local folder lists=('./var/cache/apt/*' './var/lib/apt/lists/*')
  folder=$(mktemp -d -p "$memory" everreach-base.XXXXXX)
  if ! {
    debootstrap --variant=minbase "$suite" "$folder" "$(mirror)" &&
      pack "$folder" "$cache/base.tar" "${lists[@]}" &&
      chroot "$folder" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server prometheus wget &&
      pack "$folder" "$cache/services.tar" "${lists[@]}" ./usr/share/doc ./usr/share/javascript ./usr/share/locale ./usr/bin/promtool
  } >"$cache/debootstrap.log" 2>&1; then
    tail -n 20 "$cache/debootstrap.log" >&2
    rm -rf "$folder"
    fail "the bases cannot be made"
  fi
  rm -rf "$folder"
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
inside=""
finish() {
  local code=$?
  trap - EXIT
  # It does not hear a gentler signal; everything in the namespaces ends with it.
  [ -z "$inside" ] || kill -KILL "$inside" 2>/dev/null || true
  [ -z "$inside" ] || wait "$inside" 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -path "*/${scratch##*/}*" -exec rmdir {} + 2>/dev/null || true
  rm -rf "$scratch"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$scratch/context" "$scratch/docker-config/cli-plugins"
strip -o "$scratch/context/everreach" "$program"
cp -L /etc/ssl/certs/ca-certificates.crt "$scratch/context/"
ln -s "$compose" "$scratch/docker-config/cli-plugins/docker-compose"
unshare --mount --net --pid --fork --kill-child --mount-proc "$0" --inside "$scratch" &
inside=$!
wait "$inside"
