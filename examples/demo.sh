#!/bin/bash
# The whole way on one machine: builds libegress, starts egressd on a copy of examples/policy.yaml, a real Envoy under
# it, and sends requests with curl through the proxy; then changes the policy under an open connection.
# No request leaves the machine, and what it starts it also ends. Exit status 0: every row was as expected.
#
# With EGRESS_BUILD, a build folder, nothing is installed or built: egressd is taken from there, Python and Envoy from
# EGRESS_PYTHON and EGRESS_ENVOY, by default those in build/venv.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${EGRESS_BUILD:-$root/build/demo}
python=${EGRESS_PYTHON:-$root/build/venv/bin/python}
envoy=${EGRESS_ENVOY:-$root/build/venv/bin/envoy}
run=$build/demo-run
drain_s=2 # how long a connection may live on after it lost its permission
end_s=5   # how long what was started may take to end when it is told to

# Sends the signal to what was started and waits until it is gone, for a while.
end_with() {
  local deadline=$((SECONDS + end_s)) pid
  for pid in $(jobs -rp); do kill "-$1" "$pid" 2>/dev/null || true; done
  while [ -n "$(jobs -rp)" ] && [ $SECONDS -lt $deadline ]; do sleep 0.05; done
}

end_all() {
  trap - EXIT
  trap '' INT TERM HUP # a second Ctrl-C must not leave half of it running
  end_with TERM
  end_with KILL
}
trap end_all EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# start LOG COMMAND...: runs it until the script ends; its process id is then in $pid.
start() {
  local log=$1
  shift
  "$@" >>"$log" 2>&1 &
  pid=$!
}

# until_true SECONDS WHAT COMMAND...: waits for the command to succeed, or ends the script.
until_true() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if [ $SECONDS -ge $deadline ]; then
      echo "demo: $what: nothing after the deadline; the logs are in $run" >&2
      exit 1
    fi
    sleep 0.05
  done
}

quietly() { # LOG COMMAND...
  local log=$1
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 40 "$log"
    echo "demo: '$*' ended with an error" >&2
    exit 1
  }
}

prepare_and_build() {
  "$root/tests/prepare.sh" demo
  [ -x "$build/examples/egressd/egressd" ] || echo "demo: building, which takes about a minute the first time"
  quietly "$root/build/demo.log" cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    "-DPython3_EXECUTABLE=$python"
  quietly "$root/build/demo.log" cmake --build "$build" --target egressd
}

# An empty folder for this run, which no other uses.
make_run_folder() {
  mkdir -p "$build"
  exec 8>"$run.lock"
  flock -n 8 || {
    echo "demo: another one runs in $run; wait for it, or end it" >&2
    exit 1
  }
  rm -rf "$run"
  mkdir "$run"
}

start_world() {
  local names=DNS:*.payments.example,DNS:*.packages.example,DNS:*.mirror.example,DNS:*.eu.mirror.example
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=egress demo" \
    -addext "subjectAltName=$names,DNS:*.status.example" \
    -keyout "$run/backend.key" -out "$run/backend.pem" 2>/dev/null
  start "$run/world.log" "$python" "$root/examples/demo_world.py" "$run/backend.pem" "$run/backend.key" "$run/ports"
  until_true 10 "the backends" test -s "$run/ports"
  . "$run/ports"
}

# The example policy with this run's ports in the place of the usual ones.
write_policy() { # SED_EXPRESSION...
  local edits=(-e "s/^\( *ports: .*\)\b443\b/\1$tls_port/" -e "s/^\( *ports: .*\)\b80\b/\1$http_port/")
  sed "${edits[@]}" "$@" "$root/examples/policy.yaml" >"$run/policy.new"
  mv "$run/policy.new" "$run/policy.yaml"
}

start_egressd() {
  start "$run/egressd.log" "$build/examples/egressd/egressd" serve "$run/policy.yaml" --listen 127.0.0.1:0 \
    --explicit "127.0.0.1:$explicit_port" --sni "127.0.0.1:$sni_port" --sni-port "$tls_port" \
    --dns "127.0.0.1:$dns_port" --access-log "$run/access.log"
  egressd_pid=$pid
  until_true 10 "egressd" grep -qs '"event":"listening"' "$run/egressd.log"
  xds_port=$(sed -n 's/.*"event":"listening".*"port":\([0-9]*\).*/\1/p' "$run/egressd.log")
}

start_envoy() {
  "$build/examples/egressd/egressd" bootstrap --node-id demo-envoy --control-plane "127.0.0.1:$xds_port" \
    --admin 127.0.0.1:0 --drain-time-s $drain_s >"$run/bootstrap.json" 2>"$run/bootstrap.txt"
  start "$run/envoy.log" "$envoy" -c "$run/bootstrap.json" --reject-unknown-dynamic-fields \
    --drain-time-s $drain_s --drain-strategy immediate --concurrency 1 --disable-hot-restart --log-level warning \
    --file-flush-interval-msec 50 --admin-address-path "$run/admin"
  envoy_pid=$pid
  until_true 20 "Envoy's admin page" test -s "$run/admin"
  until_true 20 "Envoy's listeners" envoy_listens
}

admin() { curl -sfg --max-time 5 "http://$(cat "$run/admin")/$1"; }
envoy_listens() { admin ready >/dev/null && [ "$(admin listeners | grep -c "^egress_")" = 2 ]; }
uptime_s() { admin server_info | sed -n 's/.*"uptime_current_epoch": "\([0-9]*\)s".*/\1/p'; }
stat_sum() { admin "stats?filter=$1" | awk -F': ' '{ sum += $2 } END { print sum + 0 }'; }

# request VIA SOURCE HOST: sets $got (a status, or "closed") and $client (the address that Envoy saw).
request() {
  local via=$1 source=$2 host=$3 line
  local curl=(curl -s -o /dev/null --max-time 10 --noproxy '' --interface "$source" --cacert "$run/backend.pem"
    -w '%{http_code} %{http_connect} %{local_ip}:%{local_port}')
  case $via in
  http) curl+=(--proxy "http://127.0.0.1:$explicit_port" "http://$host:$http_port/") ;;
  connect) curl+=(--proxy "http://127.0.0.1:$explicit_port" "https://$host:$tls_port/") ;;
  sni) curl+=(--connect-to "::127.0.0.1:$sni_port" "https://$host/") ;;
  esac
  line=$("${curl[@]}" || true)
  read -r code tunnel client <<<"$line"
  if [ "$code" != 000 ]; then got=$code; elif [ "$tunnel" != 000 ]; then got=$tunnel; else got=closed; fi
}

log_line() { grep -h "\"$client\"" "$run/access.log" >"$run/line" 2>/dev/null; }

# The rule that the access log names for the request of $client; "-" is none. What begins
# with a tilde is no rule of the policy: nothing matched, or the address guard.
deciding_rule() {
  until_true 10 "the access log of $client" log_line
  rule=$(sed -n 's/.*"rule":"\([^"]*\)".*/\1/p' "$run/line" | grep -v -e '^-$' -e '^~no-rule$' | head -n 1 || true)
  rule=${rule:--}
}

rows=0
wrong=0
row() { # WHAT EXPECTED GOT RULE_EXPECTED RULE
  local mark=ok
  rows=$((rows + 1))
  if [ "$2" != "$3" ] || [ "$4" != "$5" ]; then
    mark="WRONG (rule expected: $4)"
    wrong=$((wrong + 1))
  fi
  printf '%-52s %-8s %-8s %-21s %s\n' "$1" "$2" "$3" "$5" "$mark"
}

ask() { # VIA SOURCE HOST EXPECTED RULE
  request "$1" "$2" "$3"
  deciding_rule
  row "$(printf '%-8s %-10s %s' "$1" "$2" "$3")" "$4" "$got" "$5" "$rule"
}

header() {
  printf '\n%s\n%-52s %-8s %-8s %-21s %s\n' "$1" "VIA      CLIENT     DESTINATION" EXPECTED GOT RULE RESULT
}

introduce() {
  cat <<END
egressd (process $egressd_pid) serves $run/policy.yaml, a copy of examples/policy.yaml;
Envoy (process $envoy_pid) gets it over xDS. A connection that loses its permission ends within $drain_s s.

VIA   connect, http: the explicit proxy, asked for a tunnel or with the whole URL; sni: TLS straight to the SNI proxy
GOT   a status, of which 403 is Envoy's refusal; closed: the SNI proxy, which can say nothing inside TLS, refused
RULE  what decided, from Envoy's access log; -: no rule matches, so it is refused;
      ~special-use-address: a rule allows the name, but the name leads to an address inside
END
}

# hold NAME SOURCE HOST: opens a connection through the SNI proxy that stays open; its curl is then in $pid.
hold() {
  start "$run/$1.stream" curl -sN --interface "$2" --cacert "$run/backend.pem" --connect-to "::127.0.0.1:$sni_port" \
    "https://$3/stream"
  until_true 10 "the connection to $3" test -s "$run/$1.stream"
}

ticks() { wc -l <"$run/$1.stream"; }
ticks_past() { [ "$(ticks "$1")" -gt "$2" ]; }
answers() { # VIA SOURCE HOST
  request "$@"
  [ "$got" = 200 ]
}
ended() { ! kill -0 "$1" 2>/dev/null; }
state() { ended "$1" && echo ended || echo alive; }

first_rows() {
  header "examples/policy.yaml is in force"
  ask connect 127.1.0.1 api.payments.example 200 billing-payments
  ask connect 127.2.0.1 api.payments.example 403 -
  ask sni 127.1.0.1 api.payments.example 200 billing-payments
  ask sni 127.2.0.1 api.payments.example closed -
  ask sni 127.2.0.1 registry.packages.example 200 builds-packages
  ask sni 127.2.0.1 deb.eu.mirror.example 200 builds-packages
  ask sni 127.2.0.1 upload.mirror.example closed no-uploads
  ask connect 127.2.0.1 upload.mirror.example 403 no-uploads
  ask http 127.1.0.1 eu.status.example 200 status-pages
  ask http 127.1.0.1 a.eu.status.example 403 -
  ask http 127.2.0.1 metadata.status.example 403 ~special-use-address
  ask http 127.2.0.1 www.elsewhere.example 403 -
}

# Adds a host to the rule of the builds and takes the rule status-pages out, with connections of both held open.
change_policy() {
  local before added=new.packages.example
  hold unrelated 127.1.0.1 api.payments.example
  local unrelated=$pid
  hold removed 127.1.0.1 eu.status.example
  local removed=$pid
  local epoch
  epoch=$(stat_sum '^server.hot_restart_epoch$')
  write_policy -e "s/\"registry.packages.example\"/\"registry.packages.example\", \"$added\"/" \
    -e '/- name: status-pages/,$d'
  until_true 10 "the new host through CONNECT" answers connect 127.2.0.1 $added
  until_true 10 "the new host through the SNI proxy" answers sni 127.2.0.1 $added
  header "a host is added to builds-packages, the rule status-pages is removed; two connections were open meanwhile"
  ask connect 127.2.0.1 $added 200 builds-packages
  ask sni 127.2.0.1 $added 200 builds-packages
  ask sni 127.1.0.1 eu.status.example closed -
  ask http 127.1.0.1 eu.status.example 403 -
  until_true $((drain_s + 5)) "the end of the connection that lost its permission" ended "$removed"
  row "held     127.1.0.1  eu.status.example (rule removed)" ended ended - -
  before=$(ticks unrelated)
  until_true 10 "the next line of the unrelated connection" ticks_past unrelated "$before"
  row "held     127.1.0.1  api.payments.example (unrelated)" alive "$(state "$unrelated")" - -
  row "Envoy, process $envoy_pid, up $(uptime_s) s" alive "$(state "$envoy_pid")" - -
  row "Envoy's hot restarts" "$epoch" "$(stat_sum '^server.hot_restart_epoch$')" - -
}

numbers() {
  local unmatched destroyed total connected
  unmatched=$(stat_sum '^listener\.egress_[a-z]*\.no_filter_chain_match$')
  destroyed=$(stat_sum '^listener\.egress_[a-z]*\.downstream_cx_destroy$')
  total=$(stat_sum '^listener\.egress_[a-z]*\.downstream_cx_total$')
  connected=$(stat_sum '^control_plane.connected_state$')
  printf '\n%s\n' "What operators watch"
  printf '%-52s %s\n' "no_filter_chain_match: TLS to what no rule lists" "$unmatched"
  printf '%-52s %s\n' "downstream_cx_destroy / downstream_cx_total" "$destroyed / $total, ended of all connections"
  printf '%-52s %s\n' "control_plane.connected_state: 1, Envoy has egressd" "$connected"
  local healthy=no
  [ "$unmatched" = 0 ] || [ "$connected" != 1 ] || healthy=yes
  row "the first is above 0, the last is 1" yes $healthy - -
}

[ -n "${EGRESS_BUILD:-}" ] || prepare_and_build
make_run_folder
start_world
write_policy
start_egressd
start_envoy
introduce
first_rows
change_policy
numbers
printf '\n%d of %d rows as expected\n' $((rows - wrong)) $rows
[ $wrong = 0 ] || {
  echo "demo: the logs are in $run" >&2
  exit 1
}
