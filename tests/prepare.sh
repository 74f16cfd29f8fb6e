#!/bin/bash
# Installs what is missing on a Debian 12: `prepare.sh demo`, `prepare.sh test` or `prepare.sh long`.
# Debian packages by apt-get (through sudo where it is not root), PyPI packages into build/venv. What is there is left
# alone, so a second run takes well under a second. Go and Node.js are used where they are, for two of the gRPC clients
# that are tested, and not installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/build/venv
requirements=$root/tests/requirements.txt
clients=$root/build/clients

# To build, and to run the demonstration.
packages=(gcc libc6-dev cmake ninja-build pkg-config python3 python3-venv ca-certificates curl openssl libssl-dev
  libgrpc-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libuv1-dev libyaml-dev libidn2-dev libxxhash-dev
  libmicrohttpd-dev)
case ${1:-demo} in
demo) ;;
test | long) packages+=(g++ python3-dev libcriterion-dev libnghttp2-dev binutils valgrind clang-14 libclang-rt-14-dev) ;;
*) echo "usage: prepare.sh demo|test|long" >&2 && exit 2 ;;
esac

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_debian() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "prepare: installing ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y)
  # Package lists that are absent or old are the usual reason for a first failure.
  as_root "${apt[@]}" --no-install-recommends install "${missing[@]}" >/dev/null 2>&1 || {
    as_root "${apt[@]}" update
    as_root "${apt[@]}" --no-install-recommends install "${missing[@]}" >/dev/null
  }
}

install_python() {
  local wanted
  wanted=$(cat "$requirements" <(/usr/bin/python3 --version) | sha256sum | cut -d' ' -f1)
  [ "$(cat "$venv/stamp" 2>/dev/null)" != "$wanted" ] || return 0
  echo "prepare: making build/venv"
  rm -rf "$venv"
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
  echo "$wanted" >"$venv/stamp"
}

# The gRPC clients of Go and Node.js: build/clients holds what runs them, or NAME.absent, which says why nothing does.
absent() { # NAME REASON
  echo "prepare: $1 will not be tested: $2"
  rm -f "$clients/$1.stamp"
  echo "$2" >"$clients/$1.absent"
}

ready() { # NAME STAMP
  rm -f "$clients/$1.absent"
  echo "$2" >"$clients/$1.stamp"
}

stamp_of() { # VERSION FILES...: what a client is made of
  cat <(echo "$1") "${@:2}" | sha256sum | cut -d' ' -f1
}

build_go_client() {
  local source=$root/tests/integration/clients/grpc-go log=$clients/grpc-go.log go version needed stamp
  export GOTOOLCHAIN=local # Go would fetch another Go
  go=$(PATH=$PATH:/usr/local/go/bin command -v go) || { absent grpc-go "no Go" && return; }
  version=$("$go" env GOVERSION) && version=${version#go}
  needed=$(sed -n 's/^go //p' "$source/go.mod")
  printf '%s\n' "$needed" "$version" | sort -V -C || { absent grpc-go "no Go $needed, only $version" && return; }
  stamp=$(stamp_of "$version" "$source"/*)
  [ "$(cat "$clients/grpc-go.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  echo "prepare: building the gRPC client of Go"
  cd "$source"
  "$go" mod download >"$log" 2>&1 || { absent grpc-go "its Go modules cannot be had, see $log" && return; }
  "$go" build -mod=readonly -buildvcs=false -o "$clients/grpc-go" .
  ready grpc-go "$stamp"
}

install_node_client() {
  local source=$root/tests/integration/clients/grpc-js log=$clients/grpc-js.log stamp
  command -v node >/dev/null && command -v npm >/dev/null || { absent grpc-js "no Node.js with npm" && return; }
  stamp=$(stamp_of "$(node --version)" "$source"/package*.json)
  [ "$(cat "$clients/grpc-js.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  echo "prepare: getting the gRPC client of Node.js"
  mkdir -p "$clients/grpc-js"
  cp "$source"/package*.json "$clients/grpc-js"
  cd "$clients/grpc-js"
  npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1 ||
    { absent grpc-js "its packages cannot be had, see $log" && return; }
  ready grpc-js "$stamp"
}

install_clients() {
  mkdir -p "$clients"
  (build_go_client)
  (install_node_client)
}

mkdir -p "$root/build"
exec 9>"$root/build/prepare.lock"
flock -w 1800 9 || { # two runs at once would write into one environment
  echo "prepare: another run has held build/prepare.lock for half an hour; end it" >&2
  exit 1
}
install_debian
install_python
[ "${1:-demo}" = demo ] || install_clients
