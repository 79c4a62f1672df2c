# To be sourced first by a script that runs containers: storage, settings and a runtime of its own, in $work, which is
# gone afterwards; nothing is configured for the whole machine. Root, podman, crun and jq are needed.
#
#   . tests/containers.sh
#   settings cni|netavark
#
# A script that has more to clean up defines leave(), which is called before $work is removed.

# A private mount namespace, for two reasons: whatever podman mounts vanishes with it, and on machines with the
# «hybrid» cgroup layout the unified hierarchy can be hidden there, which podman 4.3 and crun 1.8 need.
if [[ -z ${PREREQ_CONTAINERS_UNSHARED-} ]]; then
  exec env PREREQ_CONTAINERS_UNSHARED=1 unshare --mount --propagation private "$0" "$@"
fi
unset PREREQ_CONTAINERS_UNSHARED
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/prereq-containers.XXXXXX")
left() {
  local status=$?
  trap - EXIT
  if declare -F leave >/dev/null; then leave; fi
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$status"
}
trap left EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# settings NETWORK_BACKEND: writes them, and makes podman use them.
settings() {
  mkdir -p "$work/bin" "$work/libexec"
  # Podman asks for more descriptors and processes for a Pod's pause container than a restricted machine grants:
  # every limit is lowered to what this process may set, and so is the wish to be spared by the OOM killer.
  cat >"$work/libexec/runtime" <<'R'
#!/usr/bin/env bash
bundle=
for ((at = 1; at <= $#; at++)); do
  case ${!at} in
  -b | --bundle) next=$((at + 1)); bundle=${!next} ;;
  --bundle=*) bundle=${!at#--bundle=} ;;
  esac
done
config=$bundle/config.json
if [[ -n $bundle && -f $config ]]; then
  most() { local limit; limit=$(ulimit -H "$1"); if [[ $limit == unlimited ]]; then echo 9007199254740991; else echo "$limit"; fi; }
  jq --argjson nofile "$(most -n)" --argjson nproc "$(most -u)" --argjson oom "$(cat /proc/self/oom_score_adj)" '
      {RLIMIT_NOFILE: $nofile, RLIMIT_NPROC: $nproc} as $most
    | if .process.rlimits then .process.rlimits |= map(
        $most[.type] as $m | if $m then .hard = ([.hard, $m] | min) | .soft = ([.soft, .hard] | min) else . end)
      else . end
    | if (.process.oomScoreAdj // 0) < $oom then del(.process.oomScoreAdj) else . end' "$config" >"$config.new"
  cat "$config.new" >"$config"
  rm -f "$config.new"
fi
exec /usr/bin/crun "$@"
R
  chmod 755 "$work/libexec/runtime"
  if [[ -x /usr/bin/catatonit ]]; then ln -s /usr/bin/catatonit "$work/libexec/catatonit"; fi
  cat >"$work/containers.conf" <<C
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[network]
network_backend = "$1"
network_config_dir = "$work/networks"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "restricted"
runtime_supports_json = ["crun", "restricted"]
tmp_dir = "$work/tmp"
helper_binaries_dir = ["$work/libexec", "/usr/libexec/podman", "/usr/lib/podman", "/usr/local/libexec/podman"]
[engine.runtimes]
restricted = ["$work/libexec/runtime"]
C
  cat >"$work/storage.conf" <<C
[storage]
driver = "vfs"
graphroot = "$work/root"
runroot = "$work/run"
C
  echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
  export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf TMPDIR=$work
}

failures=0
pass() { printf '  ok    %s\n' "$1"; }
fail() { printf '  FAIL  %s\n' "$1"; failures=$((failures + 1)); }
# is WHAT EXPECTED ACTUAL
is() { if [[ $2 == "$3" ]]; then pass "$1: $3"; else fail "$1: expected «$2», found «$3»"; fi; }
# says WHAT TEXT FILE
says() {
  if grep -qF -- "$2" "$3"; then pass "$1: says «$2»"; else fail "$1: does not say «$2»"; sed 's/^/        /' "$3"; fi
}
# the closing line and status
concluded() {
  if ((failures)); then echo "$failures failed"; exit 1; fi
  echo "all passed"
}
