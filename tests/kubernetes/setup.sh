#!/usr/bin/env bash
# Installs what `make examples` needs on Debian 12: kubectl, unless there is one, and jsonnet. Run as root.
set -euo pipefail
. "$(dirname "$0")/../packages.sh"

command -v kubectl >/dev/null || install kubernetes-client
install jsonnet
kubectl version --client 2>/dev/null || true
jsonnet --version
