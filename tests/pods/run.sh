#!/usr/bin/env bash
# Real Pods: fortune-client's init container, as `prereq manifest` prints it, waits on the Pods' network until
# fortune-server is up; then its main container starts. Another one copies the program into a volume.
#
#   tests/pods/run.sh [BINARY]      default: target/x86_64-unknown-linux-gnu/release/prereq
#
# Needs root, podman and what else tests/pods/setup.sh installs. Storage, settings, network and Pods live in one temporary
# directory that is gone afterwards; no image is pulled. Nothing is skipped: what is missing fails.
set -euo pipefail
. "$(dirname "$0")/../containers.sh"
cd "$(dirname "$0")/../.."
settings netavark

binary=$(realpath -- "${1:-target/x86_64-unknown-linux-gnu/release/prereq}")
[[ -x $binary ]] || { echo "no binary at $binary: run «make release» first" >&2; exit 2; }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
image=localhost/prereq:$version
network=prereq-pods-$$
forwarding=$(cat /proc/sys/net/ipv4/ip_forward)

leave() {
  podman pod rm --all --force --time 0 >/dev/null 2>&1 || true
  podman network rm --force "$network" >/dev/null 2>&1 || true
  echo "$forwarding" >/proc/sys/net/ipv4/ip_forward
}

# until_true LIMIT WHAT COMMAND…: waits for it, SECONDS at most
until_true() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= limit)); then fail "$what: not in time"; return 1; fi
    sleep 0.05
  done
}

# build NAME FILE COMMAND…: an image that holds the one file
one_file() {
  local name=$1 file=$2
  shift 2
  mkdir -p "$work/build/$name"
  cp "$file" "$work/build/$name/busybox"
  printf 'FROM scratch\nCOPY busybox /bin/busybox\nENTRYPOINT ["/bin/busybox"]\n' >"$work/build/$name/Dockerfile"
  podman build --quiet --pull-never --tag "localhost/$name:1.0" "$work/build/$name" >/dev/null
}

echo "images"
podman build --quiet --pull-never --build-context "build=$(dirname "$binary")" --build-arg "VERSION=$version" --tag "$image" . >/dev/null
one_file fortune /bin/busybox
pass "prereq and fortune are built"

# pod NAME: an object with what every Pod here has; the rest of it comes from standard input, as JSON.
# podman removes a finished init container unless the annotation keeps it, and takes «Never» or «OnFailure» only.
pod() {
  jq --arg name "$1" '
    {apiVersion: "v1", kind: "Pod"} + .
    | .metadata = ((.metadata // {}) + {name: $name})
    | .metadata.annotations = ((.metadata.annotations // {}) + {"io.podman.annotations.init.container.type": "always"})
    | .spec.restartPolicy = "Never"' >"$work/$1.json"
}
# What every container of these Pods is restricted to.
restricted='{runAsUser: 65534, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}'

echo "the Pod waits for a server that is not there"
mkdir -p "$work/www"
echo "A watched pot never boils, but a watched port opens." >"$work/www/index.html"
chmod -R a+rX "$work/www"
echo 1 >/proc/sys/net/ipv4/ip_forward
podman network create "$network" >/dev/null
"$binary" manifest --format json --image "$image" --timeout 60s dns:fortune-server http://fortune-server:8080/ 2>/dev/null |
  jq ".spec.containers = [{name: \"client\", image: \"localhost/fortune:1.0\", securityContext: $restricted,
      args: [\"wget\", \"-q\", \"-O\", \"-\", \"http://fortune-server:8080/\"]}]" | pod fortune-client
podman play kube --network "$network" "$work/fortune-client.json" >"$work/play.log" 2>&1 &
init=fortune-client-prereq
log() { podman logs "$init" >"$work/init.log" 2>&1; }
waits() { log && grep -q 'dns.nxdomain' "$work/init.log"; }
until_true 30 "the init container says what is missing" waits || { cat "$work/play.log"; log || true; cat "$work/init.log"; }
is "the main container waits" "created" "$(podman inspect --format '{{.State.Status}}' fortune-client-client 2>/dev/null || echo created)"
podman inspect "$init" | jq '.[0]' >"$work/init.json"
is "user" 65534 "$(jq -r '.Config.User' "$work/init.json")"
is "root file system is read-only" true "$(jq -r '.HostConfig.ReadonlyRootfs' "$work/init.json")"
pid=$(jq -r .State.Pid "$work/init.json")
status_of() { awk -v name="$1:" '$1 == name {print $2}' "/proc/$pid/status"; }
is "capabilities of the process" "0000000000000000 0000000000000000" "$(status_of CapEff) $(status_of CapBnd)"
is "no new privileges" 1 "$(status_of NoNewPrivs)"
is "user of the process" 65534 "$(status_of Uid)"
is "memory limit" $((32 * 1024 * 1024)) "$(jq -r '.HostConfig.Memory' "$work/init.json")"

echo "the server comes up"
jq -n "{spec: {containers: [{name: \"server\", image: \"localhost/fortune:1.0\", securityContext: $restricted,
    args: [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"], volumeMounts: [{name: \"www\", mountPath: \"/www\"}]}],
  volumes: [{name: \"www\", hostPath: {path: \"$work/www\"}}]}}" | pod fortune-server
podman play kube --network "$network" "$work/fortune-server.json" >"$work/server.log" 2>&1 || { fail "fortune-server"; cat "$work/server.log"; }
finished() { [[ $(podman inspect --format '{{.State.Status}}' fortune-client-client) == exited ]]; }
until_true 30 "the main container runs" finished || cat "$work/play.log"
wait
log
is "status of the init container" 0 "$(podman inspect --format '{{.State.ExitCode}}' "$init")"
is "what the main container got" "$(cat "$work/www/index.html")" "$(podman logs fortune-client-client 2>&1)"
sed 's/^/        /' "$work/init.log"
for says in "prereq $version: waiting for 2 preconditions, for 1m at most" "  dns:fortune-server" "[dns.nxdomain]" \
  "dns:fortune-server: ready" "http://fortune-server:8080/: ready, status 200 OK from 10." "2 of 2 satisfied" slowest; do
  says "the log" "$says" "$work/init.log"
done

echo "the server never comes"
"$binary" manifest --format json --image "$image" --timeout 1s dns:nobody 2>/dev/null |
  jq ".spec.containers = [{name: \"client\", image: \"localhost/fortune:1.0\", args: [\"true\"]}]" | pod lonely-client
podman play kube --network "$network" "$work/lonely-client.json" >"$work/play.log" 2>&1 || true
podman logs lonely-client-prereq >"$work/lonely.log" 2>&1 || true
is "status of the init container" 124 "$(podman inspect --format '{{.State.ExitCode}}' lonely-client-prereq)"
says "the log" "hint:" "$work/lonely.log"
is "the main container did not run" "created" "$(podman inspect --format '{{.State.Status}}' lonely-client-client)"

echo "a main container without the program has it from a volume"
"$binary" manifest --format json --image "$image" --kind readiness --container server :8080 2>/dev/null |
  jq "del(.spec.containers[0].readinessProbe)
    | .spec.containers[0] += {image: \"localhost/fortune:1.0\", securityContext: $restricted, args: [\"httpd\", \"-f\", \"-p\", \"8080\"]}" |
  pod probed
podman play kube --network "$network" "$work/probed.json" >"$work/play.log" 2>&1 || { fail "probed"; cat "$work/play.log"; }
probe() { podman exec probed-server /shared/prereq --once --quiet --termination-log= "$@" >"$work/probe.log" 2>&1; }
if probe :8080; then pass "the probe holds"; else fail "the probe fails"; cat "$work/probe.log"; fi
status=0
probe :8081 || status=$?
is "status of a probe that does not" 1 "$status"
concluded
