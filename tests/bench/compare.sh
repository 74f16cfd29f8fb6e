#!/bin/bash
# Measures xds_bench_server, go-control-plane and bare sockets one after the other, by the same load client, and prints
# one table; the last columns are ratios to ours.
#
#   tests/bench/compare.sh [-c] [-n STREAMS] [-r CLUSTERS] [-k PUSHES] [-p "sotw delta"]
#
# Builds what it needs in build/release and build/bench. Without Go the peers are left out. The exit status is not 0 when
# a response was missed or wrong; what the load client said about it is in build/bench. Nor with -c, which says what
# holds of the limits in table.py, when one of them does not.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
release=$root/build/release
work=$root/build/bench
streams=1000 clusters=1000 pushes=5 variants="sotw delta" check=()
while getopts cn:r:k:p: option; do
  case $option in
  c) check=(--check) ;;
  n) streams=$OPTARG ;;
  r) clusters=$OPTARG ;;
  k) pushes=$OPTARG ;;
  p) variants=$OPTARG ;;
  *) echo "usage: compare.sh [-c] [-n STREAMS] [-r CLUSTERS] [-k PUSHES] [-p \"sotw delta\"]" >&2 && exit 2 ;;
  esac
done

server=
end_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
trap end_server EXIT

build() {
  local python=$root/build/venv/bin/python
  [ -x "$python" ] || python=python3
  cmake -S "$root" --preset release "-DPython3_EXECUTABLE=$python" >"$work/build.log" &&
    cmake --build "$release" --target xds_bench_server xds_load floor >>"$work/build.log" && return
  tail -n 30 "$work/build.log" >&2
  return 1
}

build_peer() {
  local go
  export GOTOOLCHAIN=local # Go would fetch another Go
  go=$(PATH=$PATH:/usr/local/go/bin command -v go) || { peerless "there is no Go" && return 1; }
  (cd "$root/tests/bench/peer" && "$go" build -mod=readonly -buildvcs=false -o "$work/peer" .) 2>"$work/peer.log" ||
    { tail -n 5 "$work/peer.log" >&2 && peerless "their server cannot be built" && return 1; }
}

peerless() { # REASON
  echo "compare: THE PEERS ARE LEFT OUT: $1. What follows compares nothing with go-control-plane." >&2
}

# measure NAME VARIANT COMMAND...: a server of its own, and the report of the load client in $work/VARIANT-NAME.json.
measure() {
  local name=$1 variant=$2 report=$work/$2-$1.json log=$work/$2-$1.log port control flags=() _
  shift 2
  [ "$variant" = sotw ] || flags=(-delta)
  "$@" -addr 127.0.0.1:0 -ctl 127.0.0.1:0 -r "$clusters" </dev/null >"$log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    grep -q '^ready ' "$log" && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  read -r _ port control < <(grep '^ready ' "$log") || { tail -n 5 "$log" >&2 && return 1; }
  "$release/tests/bench/xds_load" -addr "127.0.0.1:$port" -ctl "127.0.0.1:$control" -pid "$server" \
    -n "$streams" -r "$clusters" -k "$pushes" "${flags[@]}" >"$report" 2>>"$log" ||
    { echo "compare: $name, $variant:" && tail -n 5 "$log" && failed=1; } >&2
  end_server
}

failed=0
mkdir -p "$work"
rm -f "$work"/*.json
build
peers=1
build_peer || peers=0
for variant in $variants; do
  if [ $peers = 1 ]; then
    measure gcp-snapshot "$variant" "$work/peer" -mode snapshot
    measure gcp-linear "$variant" "$work/peer" -mode linear
  fi
  measure libegress "$variant" "$release/tests/bench/xds_bench_server"
  bytes=$(sed 's/.*"push_bytes": \([0-9]*\).*/\1/' "$work/$variant-libegress.json")
  "$release/tests/bench/floor" -n "$streams" -b "${bytes:?no push was measured}" -k "$pushes" >"$work/$variant-floor.json"
done
echo "$streams streams x $clusters clusters, $pushes pushes"
python3 "$root/tests/bench/table.py" "${check[@]}" "$work" $variants || failed=1
exit $failed
