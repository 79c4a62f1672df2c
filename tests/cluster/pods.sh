# In Pods, with their own accounts: what they may look at, what they leave behind, how they end.
# shellcheck shell=bash

# An account that may watch Jobs but not list them; then with exactly the rule that the hint shows.
account some '{apiGroups: [batch], resources: [jobs], verbs: [get, watch]}'
pod forbidden some --timeout=3s k8s:job/migrate
eventually 30 phase_is forbidden Failed
logs forbidden
job migrate delay:1s
rule='- {apiGroups: [batch], resources: [jobs], verbs: [get, list, watch]}'
says "a verb that is missing" "not allowed to list jobs.batch in namespace $namespace [k8s.forbidden]" "$work/forbidden.log"
says "a verb that is missing" "add to a Role in namespace $namespace: $rule" "$work/forbidden.log"
in_ns describe pod forbidden >"$work/described"
says "kubectl describe, on failure" "add to a Role in namespace $namespace" "$work/described"

pod allowed some --timeout=60s k8s:job/migrate
eventually 30 log_says allowed k8s.forbidden
account some "${rule#- }"
eventually 30 phase_is allowed Succeeded
pass "with that rule it is ready"

# An account that may list but not watch.
account half '{apiGroups: [batch], resources: [jobs], verbs: [list]}'
pod unwatched half --timeout=60s k8s:job/late
eventually 30 log_says unwatched "not allowed to watch jobs.batch"
job late delay:1ms
eventually 30 phase_is unwatched Succeeded
pass "who may not watch looks by the clock"

# The termination message, on success too.
pod served default --timeout=60s svc:web:80 or dns:web
eventually 40 phase_is served Succeeded
in_ns get pod served --output 'jsonpath={.status.initContainerStatuses[0].state.terminated.message}' >"$work/message"
says "the termination message, on success" "prereq: ready after" "$work/message"
in_ns describe pod served >"$work/described"
says "kubectl describe, on success" "prereq: ready after" "$work/described"

# A Pod that is deleted while it waits does not use up its grace period of 30 s: its container ends with the signal.
# deleted POD CONTAINER LIMIT_MS
deleted() {
  local begun gone
  follow "$1" "$2"
  begun=$(now)
  in_ns delete pod "$1" >/dev/null
  gone=$(now)
  stopped "$1"
  within "$1 is deleted: its container ends" "$3" $((stopped - begun))
  # The kubelet lets go of a Pod when it next looks round: every 10 s in 1.20.
  within "… and the Pod is gone" 20000 $((gone - begun))
  says "… with a summary" "[k8s.absent], for" "$work/$1.followed"
}
pod waiting some k8s:job/nobody
eventually 30 log_says waiting k8s.absent
# Kubelets of that age signal a container when they next clean up, every 2 s; what is left is the program's.
deleted waiting wait 4000
in_ns apply --filename - >/dev/null <<P
apiVersion: v1
kind: Pod
metadata: {name: gate}
spec:
  serviceAccountName: some
  containers: [$(container main k8s:job/nobody)]
P
eventually 30 in_ns logs gate
deleted gate main 3000
