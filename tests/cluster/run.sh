#!/usr/bin/env bash
# The program against a real cluster: the one that KUBECONFIG names. Beside it, and in its Pods.
#
#   tests/cluster/run.sh BINARY IMAGE        PARTS="objects pods" for some
#
# Needs kubectl, jq and jsonnet, an account that may make namespaces, definitions and volumes, and IMAGE on the nodes (PULL_POLICY
# is Never by default). Everything is made in a namespace of its own, which is gone afterwards. Nothing is skipped.
set -euo pipefail
binary=$(realpath -- "${1:?BINARY}")
image=${2:?IMAGE}
pull=${PULL_POLICY:-Never}
# With busybox, for applications that have to serve.
server=${SERVER:-busybox}
cd "$(dirname "$0")"
# shellcheck source=tests/cluster/lib.sh
source ./lib.sh

namespace=prereq-test-$RANDOM$RANDOM
work=$(mktemp -d "${TMPDIR:-/tmp}/prereq-cluster.XXXXXX")
declare -A running=()
cleanup() {
  local status=$? pid
  trap - EXIT
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
  kubectl delete namespace "$namespace" --wait=false >/dev/null 2>&1 || true
  kubectl delete persistentvolume "$namespace" --wait=false >/dev/null 2>&1 || true
  kubectl delete customresourcedefinition "gadgets.$namespace.example.com" --wait=false >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

kubectl create namespace "$namespace" >/dev/null
eventually 20 in_ns get serviceaccount default
printf 'cluster: %s\n' "$(kubectl version --output json 2>/dev/null | jq --raw-output .serverVersion.gitVersion)"

for part in ${PARTS:-objects pods hooks examples served}; do
  printf '%s\n' "$part"
  # shellcheck source=/dev/null
  source "./$part.sh"
done

if ((failures)); then echo "$failures failed"; exit 1; fi
echo "all passed in $SECONDS s"
