# preStop: a Pod ends when it has left the Service's endpoints, not sooner, not later.
# shellcheck shell=bash

account leaver '{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}'
# leaver NAME IP: a Pod of the Service «leavers» that waits for IP to leave it, before it is stopped
leaver() {
  in_ns apply --filename - >/dev/null <<P
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {app: leavers}}
spec:
  serviceAccountName: leaver
  terminationGracePeriodSeconds: 20
  containers:
    - name: main
      image: "$image"
      imagePullPolicy: $pull
      args: [--timeout=0, --heartbeat=0, file:/never]
      env:
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
      lifecycle:
        preStop:
          exec: {command: [/prereq, --timeout=6s, not, 'k8s:endpoint/leavers#ip=$2']}
P
}
in_ns create service clusterip leavers --tcp=80 >/dev/null
in_ns patch service leavers --patch '{"spec":{"selector":{"app":"leavers"}}}' >/dev/null
leaver stays '${POD_IP}'
leaver leaves '${POD_IP}'
start leavers "k8s:$namespace/endpoint/leavers#min=2"
ended leavers 0
ip_of() { in_ns get pod "$1" --output 'jsonpath={.status.podIP}'; }

start left not "k8s:$namespace/endpoint/leavers#ip=$(ip_of leaves)"
follow leaves main
begun=$(now)
in_ns delete pod leaves --wait=false >/dev/null
ended left 0
stopped leaves
within "its endpoint is gone" 2000 $((ended - begun))
within "the container ends after its endpoint" 2000 $((stopped - ended))
if hook_failed leaves; then fail "the hook failed"; else pass "the hook ended well"; fi

# The counter-test: one that waits for the endpoint of another Pod, which stays.
leaver wrong "$(ip_of stays)"
start three "k8s:$namespace/endpoint/leavers#min=2"
ended three 0
follow wrong main
begun=$(now)
in_ns delete pod wrong --wait=false >/dev/null
stopped wrong
took=$((stopped - begun))
if ((took >= 6000)); then pass "a hook whose endpoint stays waits: $took ms"; else fail "a hook whose endpoint stays ended after $took ms"; fi
