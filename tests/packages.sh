# To be sourced: `install PACKAGE…` brings Debian packages that are missing. What cannot be had fails.

install() {
  local package state missing=()
  for package in "$@"; do
    state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    [[ $state == ii* ]] || missing+=("$package")
  done
  if ((${#missing[@]})); then
    # RUNLEVEL=1: a package that is installed for a test starts no service.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    [[ -n ${APT_UPDATED-} ]] || apt-get update -qq
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}"
  fi
}
