# What the parts of tests/cluster share: a namespace of its own, times, Pods that run the image.
# shellcheck shell=bash

version=$(sed -n 's/^version = "\(.*\)"/\1/p' ../../Cargo.toml | head -n 1)
failures=0
pass() { printf '  ok    %s\n' "$1"; }
fail() { printf '  FAIL  %s\n' "$1"; failures=$((failures + 1)); }
# is WHAT EXPECTED ACTUAL
is() { if [[ $2 == "$3" ]]; then pass "$1: $3"; else fail "$1: expected «$2», found «$3»"; fi; }
# says WHAT TEXT FILE
says() { if grep -qF -- "$2" "$3"; then pass "$1: says «$2»"; else fail "$1: does not say «$2»"; sed 's/^/        /' "$3"; fi; }
# within WHAT LIMIT_MS MS
within() { if (($3 <= $2)); then pass "$1: $3 ms (at most $2)"; else fail "$1: $3 ms, more than $2"; fi; }

now() { date +%s%3N; }
in_ns() { kubectl --namespace "$namespace" "$@"; }
# eventually SECONDS COMMAND…: until it succeeds
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= end)); then fail "not in time: $*"; return 1; fi
    sleep 0.1
  done
}

# start NAME ARGUMENTS…: the binary beside the cluster, in the background; its output goes to $work/NAME.log
start() {
  local name=$1
  shift
  { "$binary" --timeout 60s "$@" >"$work/$name.log" 2>&1 </dev/null && echo "0 $(now)" || echo "$? $(now)"; } >"$work/$name.end" &
  running[$name]=$!
}
# until_it_says NAME CLASS
until_it_says() { eventually 10 grep -qF -- "[$2]" "$work/$1.log"; }
# ended NAME STATUS: it ends, and with this status; sets $ended to the time
ended() {
  local status
  wait "${running[$1]}" || true
  read -r status ended <"$work/$1.end"
  is "$1: exit status" "$2" "$status"
  if [[ $status != "$2" ]]; then sed 's/^/        /' "$work/$1.log"; fi
}

# observe NAME OBJECT CONDITION: when kubectl sees that CONDITION (of jq) holds; read by «seen NAME»
observe() {
  in_ns get "$2" --watch --output json 2>/dev/null </dev/null |
    jq --unbuffered --raw-output "select($3) | now * 1000 | floor" 2>/dev/null | head -n 1 >"$work/$1.seen" &
  running[seen-$1]=$!
}
seen() {
  eventually 20 test -s "$work/$1.seen" || return 0
  cat "$work/$1.seen"
}

# follow POD CONTAINER: its log, to the end. «stopped POD» waits for that, and sets $stopped to the time of its summary,
# which is written on the way out. (The kubelet itself may take seconds to notice that a container has ended.)
follow() {
  in_ns logs "$1" --container "$2" --follow --timestamps >"$work/$1.followed" 2>&1 </dev/null &
  running[log-$1]=$!
  eventually 30 grep -q waiting "$work/$1.followed"
}
stopped() {
  wait "${running[log-$1]}" || true
  told "$1 was stopped, its log" "ended by SIGTERM" "$work/$1.followed"
  stopped=$told
}
# told WHAT TEXT FILE: a log with times says TEXT; sets $told to the time when it first did
told() {
  says "$@"
  told=$(date --date "$(grep -F -m 1 -- "$2" "$3" | cut -d ' ' -f 1)" +%s%3N)
}

# container NAME ARGUMENTS…: an entry of «containers», as the restricted Pod Security Standard has it
container() {
  local name=$1 args
  shift
  args=$(jq --null-input --compact-output '$ARGS.positional' --args -- "$@")
  cat <<C
{name: $name, image: "$image", imagePullPolicy: $pull, args: $args,
 terminationMessagePolicy: FallbackToLogsOnError,
 resources: {requests: {cpu: 5m, memory: 8Mi}, limits: {memory: 32Mi}},
 securityContext: {runAsNonRoot: true, runAsUser: 65534, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false,
   capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}
C
}

# job NAME ARGUMENTS…: a Job with one try
job() {
  local name=$1
  shift
  in_ns apply --filename - >/dev/null <<J
apiVersion: batch/v1
kind: Job
metadata: {name: $name}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [$(container main "$@")]
J
}

# account NAME RULES: a service account that may do this
account() {
  in_ns apply --filename - >/dev/null <<A
apiVersion: v1
kind: ServiceAccount
metadata: {name: $1}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: $1}
rules: [$2]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: $1}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: $1}
subjects: [{kind: ServiceAccount, name: $1}]
A
}

# pod NAME ACCOUNT ARGUMENTS…: a Pod whose init container waits
pod() {
  local name=$1 account=$2
  shift 2
  in_ns apply --filename - >/dev/null <<P
apiVersion: v1
kind: Pod
metadata: {name: $name}
spec:
  restartPolicy: Never
  serviceAccountName: $account
  initContainers: [$(container wait "$@")]
  containers: [$(container main delay:1ms)]
P
}
logs() { in_ns logs "$1" --container wait >"$work/$1.log" 2>/dev/null; }
log_says() { logs "$1" && grep -qF -- "$2" "$work/$1.log"; }
phase_is() { [[ $(in_ns get pod "$1" --output 'jsonpath={.status.phase}') == "$2" ]]; }
# hook_failed POD: whether the cluster says that a hook of its before the stop failed
hook_failed() { in_ns get events --field-selector "reason=FailedPreStopHook,involvedObject.name=$1" --output name | grep -q .; }
