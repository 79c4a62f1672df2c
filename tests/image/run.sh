#!/usr/bin/env bash
# Builds the image from the static binary, looks into it, and runs it the way a restricted Pod would.
#
#   tests/image/run.sh [BINARY]      default: target/x86_64-unknown-linux-gnu/release/prereq
#
# Needs root, podman, crun and jq (tests/image/setup.sh). Storage, settings and containers live in one temporary
# directory that is gone afterwards; no image is pulled and no network is used. Nothing is skipped: what is missing fails.
set -euo pipefail
. "$(dirname "$0")/../containers.sh"
cd "$(dirname "$0")/../.."
settings cni

binary=$(realpath -- "${1:-target/x86_64-unknown-linux-gnu/release/prereq}")
[[ -x $binary ]] || { echo "no binary at $binary: run «make release» first" >&2; exit 2; }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
image=localhost/prereq:$version
max_bytes=${MAX_BINARY_BYTES:-4500000}

# As the «restricted» Pod Security Standard has it, with a read-only root and no network.
restricted=(--network none --read-only --user 65534:65534 --cap-drop all
  --security-opt no-new-privileges --volume "$work/data:/data:ro" --volume "$work/shared:/shared" --log-driver k8s-file)

# run EXPECTED_STATUS NAME ARGUMENTS…: one container to its end; its output goes to $work/NAME.log
run() {
  local expected=$1 name=$2 status=0
  shift 2
  timeout 30 podman run --name "$name" "${restricted[@]}" "$image" "$@" >"$work/$name.log" 2>&1 </dev/null || status=$?
  is "$name: exit status" "$expected" "$status"
  if [[ $status != "$expected" ]]; then sed 's/^/        /' "$work/$name.log"; fi
}

echo "build"
mkdir -p "$work/data" "$work/shared"
chown 65534:65534 "$work/shared"
install -m 755 "$binary" "$work/bin/prereq"
echo ready >"$work/data/ready"
chmod -R a+rX "$work/data"
podman build --quiet --pull-never --build-context "build=$work/bin" --build-arg "VERSION=$version" --tag "$image" . >/dev/null
podman image inspect "$image" | jq '.[0]' >"$work/image.json"
field() { jq -r "$1" "$work/image.json"; }

echo "what the image says of itself"
is "user" 65534:65534 "$(field .Config.User)"
is "entry point" '["/prereq"]' "$(field '.Config.Entrypoint | tojson')"
is "no command, volume or port" null "$(field '.Config.Cmd // .Config.Volumes // .Config.ExposedPorts')"
is "title" prereq "$(field '.Labels["org.opencontainers.image.title"]')"
is "version" "$version" "$(field '.Labels["org.opencontainers.image.version"]')"
is "licence" "MIT OR Apache-2.0" "$(field '.Labels["org.opencontainers.image.licenses"]')"
for label in description source; do
  is "has the label $label" true "$(field ".Labels | has(\"org.opencontainers.image.$label\")")"
done
is "layers" 1 "$(field '.RootFS.Layers | length')"

echo "what is in it"
podman save --quiet --format docker-archive --output "$work/image.tar" "$image"
layer=$(tar -xOf "$work/image.tar" manifest.json | jq -r '.[0].Layers[0]')
tar -xOf "$work/image.tar" "$layer" >"$work/layer.tar"
is "files" "-rwxr-xr-x 0/0 prereq" "$(tar --numeric-owner -tvf "$work/layer.tar" | awk '{print $1, $2, $NF}')"
size=$(tar -tvf "$work/layer.tar" | awk '{print $3}')
if ((size <= max_bytes)); then pass "size: $size bytes, at most $max_bytes"; else fail "size: $size bytes, more than $max_bytes"; fi

readelf --wide --program-headers "$binary" >"$work/segments"
# flags NAME: what may be done with the segments of that name.
flags() { awk -v name="$1" '$1 == name {print substr($0, match($0, / R[W ][E ] 0/) + 1, 3)}' "$work/segments"; }
is "stack" "RW " "$(flags GNU_STACK)"
is "what is fixed before the start" "R  " "$(flags GNU_RELRO)"
is "segments" "R  ,R E,RW " "$(flags LOAD | sort -u | paste -sd,)"
is "interpreter" "" "$(flags INTERP)"

echo "how it runs"
run 0 ready --timeout 5s file:/data/ready
run 124 missing --timeout 1s file:/data/absent
says missing file.missing "$work/missing.log"
says missing hint: "$work/missing.log"
run 2 misspelt --timeout 1s fiel:/data/ready
run 124 no-network --timeout 1s tcp://127.0.0.1:9
says no-network tcp.refused "$work/no-network.log"

echo "how it is copied into a volume, for other containers"
run 0 install install /shared/prereq
run 0 install-again install /shared
if cmp -s "$binary" "$work/shared/prereq"; then pass "the copy is the binary"; else fail "the copy differs from the binary"; fi
is "mode and owner" "755 65534:65534" "$(stat -c '%a %u:%g' "$work/shared/prereq")"
is "files beside it" prereq "$(ls -A "$work/shared")"
run 1 read-only install /prereq
says read-only "read-only file system" "$work/read-only.log"

# signalled SIGNAL EXPECTED_STATUS: a waiting container, as PID 1, leaves within a second of the signal.
signalled() {
  local name=waiting-$1 begun ended status
  podman run --detach --name "$name" "${restricted[@]}" "$image" --timeout 60s file:/data/absent >/dev/null
  for _ in $(seq 100); do podman logs "$name" 2>&1 | grep -q . && break; sleep 0.05; done
  begun=$(date +%s%N)
  podman kill --signal "$1" "$name" >/dev/null || fail "$name: cannot be signalled"
  status=$(timeout 10 podman wait --interval 20ms "$name" || echo "still running after 10 s")
  ended=$(date +%s%N)
  is "$name: exit status" "$2" "$status"
  local ms=$(((ended - begun) / 1000000))
  if ((ms < 1000)); then pass "$name: left after $ms ms"; else fail "$name: took $ms ms to leave"; fi
  podman logs "$name" >"$work/$name.log" 2>&1 || true
  says "$name" file.missing "$work/$name.log"
}
signalled TERM 143
signalled INT 130

printf 'image: %s, %s bytes\n' "$image" "$size"
concluded
