# The examples and what `prereq manifest` prints: a real API server takes all of it, and what can run here does what it says.
# shellcheck shell=bash

minor=$(kubectl version --output json 2>/dev/null | jq --raw-output '.serverVersion.minor | sub("[^0-9].*"; "") | tonumber')
# takes WHAT FILE: the API server takes the objects in the file
takes() {
  if in_ns apply --dry-run=server --filename "$2" >"$work/taken.log" 2>&1; then pass "$1 is taken"; else fail "$1 is refused"; sed 's/^/        /' "$work/taken.log"; fi
}
# needs_sidecars WHAT FILE: the same, where the cluster knows native sidecars; an older one refuses just those
needs_sidecars() {
  if ((minor >= 29)); then takes "$1" "$2"; return; fi
  if in_ns apply --dry-run=server --filename "$2" >"$work/taken.log" 2>&1; then fail "$1 is taken by 1.$minor"; fi
  says "$1 needs Kubernetes 1.29, and 1.$minor" restartPolicy "$work/taken.log"
}
# example NAME: with this image, which stands in for the applications too; they end at once
example() { sed "s|image: prereq:$version|image: $image|; s|image: [a-z-]*:1.0|image: $image|" "../../examples/kubernetes/$1.yaml"; }

# A dry run leaves nothing behind: the account that a Pod refers to is made for it.
account prereq '{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}'
for file in ../../examples/kubernetes/*.yaml; do
  case $file in
  */sidecar.yaml) needs_sidecars "${file##*/}" "$file" ;;
  *) takes "${file##*/}" "$file" ;;
  esac
done

in_ns create deployment shop --image "$image" --replicas 0 >/dev/null
for kind in init sidecar readiness poststart prestop; do
  "$binary" manifest --kind "$kind" --image "$image" --format json dns:db 'tcp://db:1#expect=$(x)$' 2>/dev/null |
    jq --arg image "$image" '{apiVersion: "v1", kind: "Pod"} * . | .metadata.name = "made" |
      .spec.containers = ((.spec.containers // [{name: "app"}]) | map(.image = $image))' >"$work/made.json"
  if [[ $kind == sidecar ]]; then needs_sidecars "manifest --kind $kind" "$work/made.json"; else takes "manifest --kind $kind" "$work/made.json"; fi
  "$binary" manifest --kind "$kind" --container prereq --name gate --image "$image" --format patch dns:db >"$work/patch.yaml"
  if in_ns patch deployment shop --dry-run=server --patch-file "$work/patch.yaml" >"$work/taken.log" 2>&1 ||
    { [[ $kind == sidecar ]] && ((minor < 29)); }; then pass "its patch is taken"; else fail "its patch is refused"; cat "$work/taken.log"; fi
done
in_ns delete deployment shop >/dev/null

message() { in_ns get pod "$1" --output 'jsonpath={.status.initContainerStatuses[0].state.terminated.message}{.status.initContainerStatuses[0].lastState.terminated.message}'; }
has_message() { [[ -n $(message "$1") ]]; }
example termination-message | in_ns apply --filename - >/dev/null
for pod in success failure; do
  eventually 60 has_message "$pod" || true
  in_ns describe pod "$pod" >"$work/$pod.described"
done
says "kubectl describe pod success" "2 of 2 satisfied" "$work/success.described"
says "kubectl describe pod failure" "tcp.refused" "$work/failure.described"
says "kubectl describe pod failure" "hint:" "$work/failure.described"

example peers | in_ns apply --filename - >/dev/null
peers_met() {
  [[ $(in_ns get pods --selector app=peers --output json |
    jq '[.items[].status.initContainerStatuses[0] | select(.state.terminated.exitCode == 0 or .ready)] | length') == 3 ]]
}
eventually 60 peers_met && pass "the peers have met" || in_ns describe pods --selector app=peers

# The account that the manifest makes may do what it has to, and the Pod that it makes waits by it.
gate=(--name gate --namespace "$namespace" --image "$image" --format json k8s:job/gate)
"$binary" manifest --kind rbac "${gate[@]}" 2>/dev/null | in_ns apply --filename - >/dev/null
"$binary" manifest "${gate[@]}" 2>/dev/null |
  jq --arg image "$image" 'select(.kind == null) | {apiVersion: "v1", kind: "Pod"} * . | .metadata.name = "gated" |
      .spec.restartPolicy = "Never" | .spec.containers = [{name: "app", image: $image, args: ["file:/"]}]' |
  in_ns apply --filename - >/dev/null
waits() { in_ns logs gated --container gate 2>/dev/null | grep -qF '[k8s.absent]'; }
eventually 30 waits && pass "the Pod waits for a Job that is not there"
job gate file:/
succeeded() { [[ $(in_ns get pod gated --output 'jsonpath={.status.phase}') == Succeeded ]]; }
eventually 60 succeeded && pass "the Job is through, and so is the Pod"
