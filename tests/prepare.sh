#!/bin/bash
# Installs what is missing on a Debian 12: `prepare.sh demo`, `prepare.sh test` or `prepare.sh long`.
# Debian packages by apt-get (through sudo where it is not root), PyPI packages into build/venv. What is there is left
# alone, so a second run takes well under a second.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/build/venv
requirements=$root/tests/requirements.txt

# To build, and to run the demonstration.
packages=(gcc libc6-dev cmake ninja-build pkg-config python3 python3-venv ca-certificates curl openssl libssl-dev
  libgrpc-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libuv1-dev libyaml-dev libidn2-dev libxxhash-dev
  libmicrohttpd-dev)
case ${1:-demo} in
demo) ;;
test | long) packages+=(g++ python3-dev libcriterion-dev binutils valgrind clang-14 libclang-rt-14-dev) ;;
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

mkdir -p "$root/build"
exec 9>"$root/build/prepare.lock"
flock -w 1800 9 || { # two runs at once would write into one environment
  echo "prepare: another run has held build/prepare.lock for half an hour; end it" >&2
  exit 1
}
install_debian
install_python
