#!/usr/bin/env bash
# Installs what tests/image needs on Debian 12: podman, a runtime for it, jq, readelf, and a registry. Run as root.
# Nothing is configured for the whole machine: the tests bring their own settings and their own storage.
set -euo pipefail
. "$(dirname "$0")/../packages.sh"

install podman crun conmon jq curl git binutils docker-registry
podman --version
crun --version | head -n 1
