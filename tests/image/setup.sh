#!/usr/bin/env bash
# Installs what tests/image/run.sh needs on Debian 12: podman, a runtime for it, and jq. Run as root.
# Nothing is configured for the whole machine: run.sh brings its own settings and its own storage.
set -euo pipefail
. "$(dirname "$0")/../packages.sh"

install podman crun conmon jq
podman --version
crun --version | head -n 1
