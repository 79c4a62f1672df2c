#!/usr/bin/env bash
# Publishes the images to a real registry on loopback by `make publish`, and pulls them back into an empty storage: what is
# in them is the binary, byte for byte, and there are versioned tags and no «latest».
#
#   tests/image/registry.sh        after «make release slim»
#
# Needs root, podman, crun, jq, curl and docker-registry (tests/image/setup.sh).
set -euo pipefail
. "$(dirname "$0")/../containers.sh"
cd "$(dirname "$0")/../.."
settings cni

registry=
leave() { if [[ -n $registry ]]; then kill "$registry" 2>/dev/null || true; wait "$registry" 2>/dev/null || true; fi; }

host=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
minor=${version%.*}

echo "a registry"
# A port that is free: the registry is asked to take one, until it has.
for port in $(shuf -i 20000-30000 -n 20); do
  cat >"$work/registry.yml" <<C
version: 0.1
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:$port"}
C
  docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  registry=$!
  for _ in $(seq 200); do
    if curl -sf "http://127.0.0.1:$port/v2/" >/dev/null; then break 2; fi
    kill -0 "$registry" 2>/dev/null || break
    sleep 0.05
  done
done
kill -0 "$registry" || { cat "$work/registry.log"; exit 1; }
pass "answers on 127.0.0.1:$port"

echo "published"
for flavour in full slim; do
  make --no-print-directory publish "REGISTRY=127.0.0.1:$port" "FLAVOUR=$flavour" ENGINE=podman \
    PUSH_FLAGS=--tls-verify=false SOURCE=https://example.org/prereq >"$work/publish.log" 2>&1 ||
    { fail "make publish FLAVOUR=$flavour"; cat "$work/publish.log"; }
done
status=0
make --no-print-directory publish REGISTRY= >"$work/publish.log" 2>&1 || status=$?
is "without a registry make publish ends with" 2 "$status"
is "tags" "$minor $minor-slim $version $version-slim" \
  "$(curl -sf "http://127.0.0.1:$port/v2/prereq/tags/list" | jq -r '.tags | sort | join(" ")')"

echo "pulled into an empty storage"
sed -i "s|$work/root|$work/pulled|; s|$work/run\"|$work/pulled-run\"|" "$CONTAINERS_STORAGE_CONF"
is "images before" "" "$(podman images --quiet)"
for tag in "$version" "$minor" "$version-slim" "$minor-slim"; do
  image=127.0.0.1:$port/prereq:$tag
  podman pull --quiet --tls-verify=false "$image" >/dev/null
  case $tag in *-slim) built=target/slim/$host/release/prereq ;; *) built=target/$host/release/prereq ;; esac
  id=$(podman create --network none "$image")
  podman cp "$id:/prereq" "$work/pulled-prereq"
  if cmp -s "$built" "$work/pulled-prereq"; then pass "$tag: the binary, byte for byte"; else fail "$tag: not the binary $built"; fi
  is "$tag: label version" "$version" "$(podman image inspect --format '{{index .Labels "org.opencontainers.image.version"}}' "$image")"
  is "$tag: label source" https://example.org/prereq "$(podman image inspect --format '{{index .Labels "org.opencontainers.image.source"}}' "$image")"
  is "$tag: label revision" "$(git rev-parse HEAD)" "$(podman image inspect --format '{{index .Labels "org.opencontainers.image.revision"}}' "$image")"
  status=0
  podman run --rm --network none --read-only --user 65534 --cap-drop all "$image" --version >"$work/version.log" 2>&1 || status=$?
  is "$tag: runs restricted" "0 prereq $version" "$status $(cat "$work/version.log")"
  bytes=$(podman image inspect --format '{{.Size}}' "$image")
  printf '        %s: %s bytes as an image, %s bytes to pull\n' "$tag" "$bytes" \
    "$(curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://127.0.0.1:$port/v2/prereq/manifests/$tag" | jq '[.layers[].size, .config.size] | add')"
done
concluded
