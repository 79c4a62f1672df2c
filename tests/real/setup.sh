#!/usr/bin/env bash
# Installs the servers and tools that `make real` runs against, on Debian 12. Run as root. What cannot be had fails.
set -euo pipefail

packages=(nginx bind9 iproute2 openssl libxml2-utils)
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
for program in nginx named ip openssl xmllint; do
  command -v "$program" >/dev/null || { echo "$program is missing" >&2; exit 1; }
done
nginx -v
named -v
