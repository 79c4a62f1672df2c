# The examples whose applications have to serve do what they say. SERVER, an image with busybox, stands in for those: it
# serves HTTP on 8080, and obeys SIGTERM.
# shellcheck shell=bash

# standing_in SECONDS: the objects on standard input, as JSON, with this image and the stand-in, which serves after SECONDS
standing_in() {
  in_ns create --dry-run=client --output json --filename - |
    jq --arg version "$version" --arg image "$image" --arg server "$server" --arg namespace "$namespace" --arg script "
      trap 'exit 0' TERM
      busybox sleep $1
      busybox mkdir /tmp/www
      echo '{\"state\": \"ready\"}' | busybox tee /tmp/www/index.html >/tmp/www/healthz
      busybox httpd -p 8080 -h /tmp/www
      while :; do busybox sleep 1 & wait \$!; done" '
      (.. | objects | select(.image? == "prereq:" + $version)).image = $image
      | (.. | objects | select(.image? // "" | test("^[a-z-]+:1[.]0$")))
          |= (.image = $server | .command = ["/bin/busybox"] + if .args == ["migrate"] then ["true"] else ["sh", "-c", $script] end | del(.args))
      | (.. | objects | select(.kind? == "ServiceAccount" and .namespace? == "default")).namespace = $namespace' |
    in_ns apply --filename - >/dev/null
}
served() { standing_in "${2:-0}" <"../../examples/kubernetes/$1.yaml"; }
init_says() { in_ns logs "$1" --container prereq 2>/dev/null | grep -qF -- "$2"; }
ready() { [[ $(in_ns get pod "$1" --output 'jsonpath={.status.containerStatuses[0].ready}') == "$2" ]]; }
# gone KIND NAME: it is deleted, and away
gone() { in_ns delete "$1" "$2" --wait >/dev/null; }
# service NAME PORT: a Service whose endpoint is the stand-in of fortune-server
service() {
  in_ns create service clusterip "$1" --tcp "$2:8080" >/dev/null
  in_ns patch service "$1" --patch '{"spec":{"selector":{"app":"fortune-server"}}}' >/dev/null
}

served fortune 5
eventually 30 init_says fortune-client "waiting for"
if ready fortune-client true; then fail "fortune-client did not wait"; fi
eventually 60 ready fortune-client true && pass "fortune-client starts when fortune answers"
in_ns logs fortune-client --container prereq >"$work/fortune.log"
says "its init container" "prereq: ready after" "$work/fortune.log"

# The same by kustomize and by jsonnet.
kubectl kustomize ../../examples/kubernetes/kustomize/overlay | standing_in 0
in_ns rollout status deployment/fortune-client --timeout 60s >/dev/null && pass "kustomize: its Deployment is rolled out"
gone deployment fortune-client
jsonnet ../../examples/kubernetes/jsonnet/client.jsonnet | standing_in 0
in_ns rollout status deployment/fortune-client --timeout 60s >/dev/null && pass "jsonnet: its Deployment is rolled out"
gone deployment fortune-client

# A ConfigMap, and a Secret.
served config
# The Secret has the name that «prereq manifest» gives it.
in_ns create secret generic prereq --from-literal catalogue-password=s3cret >/dev/null
eventually 60 init_says shop "dns:database"
service database 5432
service catalogue 80
eventually 60 ready shop true && pass "config: the Pod starts by its ConfigMap"
if in_ns logs shop --container prereq | grep -qF s3cret; then fail "config: the log tells the secret"; else pass "config: the log keeps the secret"; fi
gone pod shop

# A readiness probe that follows its dependency.
served readiness
eventually 60 ready shop true && pass "readiness: the Pod is ready"
in_ns patch service database --patch '{"spec":{"selector":{"app":"nobody"}}}' >/dev/null
eventually 60 ready shop false && pass "readiness: it is not, without its database"
in_ns describe pod shop >"$work/unready"
says "readiness: kubectl describe pod" "tcp://database:5432" "$work/unready"
in_ns patch service database --patch '{"spec":{"selector":{"app":"fortune-server"}}}' >/dev/null
eventually 60 ready shop true && pass "readiness: it is again"
gone pod shop

# Hooks: the one before the stop takes as long as the endpoint stays, and not its time-out of 30 s. (The kubelet may take
# another ten to let go of a Pod.)
in_ns create service clusterip shop --tcp 80:8080 >/dev/null
served hooks 3
eventually 60 ready shop true && pass "hooks: the container has started"
start shop "k8s:$namespace/endpoint/shop"
ended shop 0
begun=$(now)
gone pod shop
within "hooks: the Pod is gone" 25000 $(($(now) - begun))
if hook_failed shop; then fail "hooks: the hook failed"; else pass "hooks: the hook ended well"; fi

# A migration that is through, and one that fails while a Pod waits for it.
served migration
in_ns rollout status deployment/shop --timeout 90s >/dev/null && pass "migration: the Deployment is rolled out after its Job"
gone deployment shop
pod late prereq --timeout=60s k8s:job/doomed
eventually 30 log_says late k8s.absent
job doomed --timeout=3s file:/never
observe doomed job/doomed '.status.conditions[]? | .type == "Failed" and .status == "True"'
in_ns logs late --container wait --follow --timestamps >"$work/late.followed" 2>&1 </dev/null
told "a Pod that waits for a Job that fails" "cannot be" "$work/late.followed"
within "… from the failure to that" 1000 $((told - $(seen doomed)))
eventually 30 phase_is late Failed
is "… its status" 3 "$(in_ns get pod late --output 'jsonpath={.status.initContainerStatuses[0].state.terminated.exitCode}')"
