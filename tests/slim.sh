#!/usr/bin/env bash
# What the slim program lacks is a mistake that names the Cargo feature it comes with, before anything is probed.
set -euo pipefail
binary=${1:?usage: tests/slim.sh BINARY}
failed=0

# lacks FEATURE ARGUMENT…
lacks() {
  local feature=$1 said status=0
  shift
  said=$(timeout 10 "$binary" "$@" 2>&1) || status=$?
  if [[ $status == 2 && $said == *"with the feature '$feature': cargo install prereq --features $feature"* ]]; then
    echo "ok    $feature: prereq $*"
  else
    printf 'FAIL  %s: prereq %s: status %s\n%s\n' "$feature" "$*" "$status" "$said" >&2
    failed=1
  fi
}

for scheme in amqp grpc kafka memcached mongodb mqtt mysql nats postgres redis; do
  lacks "$scheme" "$scheme://127.0.0.1"
done
for scheme in elasticsearch etcd vault; do lacks presets "$scheme://127.0.0.1"; done
lacks k8s k8s:pod/x
lacks log log:/x#match=y
lacks http2 http://127.0.0.1:1#http2
lacks config --config /nowhere/x.yaml
lacks reports --report /nowhere/x.svg tcp://127.0.0.1:1
lacks manifest manifest tcp://127.0.0.1:1
lacks manual completions bash
lacks manual man
exit "$failed"
