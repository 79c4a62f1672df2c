#!/usr/bin/env bash
# Installs what tests/image/run.sh needs on Debian 12: podman, a runtime for it, and jq. Run as root.
# Nothing is configured for the whole machine: run.sh brings its own settings and its own storage.
set -euo pipefail

packages=(podman crun conmon jq)
missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [[ $state == ii* ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  # RUNLEVEL=1: a package that is installed for a test starts no service.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  [[ -n ${APT_UPDATED-} ]] || apt-get update -qq
  apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}"
fi
podman --version
crun --version | head -n 1
