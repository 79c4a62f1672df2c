#!/usr/bin/env bash
# Installs what tests/pods/run.sh needs on Debian 12: podman with a network for Pods, in which they find each other by
# name, and busybox for the fortune server. Run as root. Nothing is configured for the whole machine.
set -euo pipefail
. "$(dirname "$0")/../packages.sh"

install podman crun conmon netavark aardvark-dns catatonit iptables jq busybox-static
podman --version
