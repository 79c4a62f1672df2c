# Objects, awaited from beside the cluster: what has come is noticed within a second of kubectl's seeing it.
# shellcheck shell=bash

target() { echo "k8s:$namespace/$1"; }

# A Job that does not exist yet, and completes.
start complete "$(target job/migrate)"
until_it_says complete k8s.absent
job migrate delay:1s
observe complete job/migrate '.status.conditions[]? | .type == "Complete" and .status == "True"'
ended complete 0
within "a Job that completes" 1000 $((ended - $(seen complete)))

# One that fails.
start failed "$(target job/broken)"
until_it_says failed k8s.absent
job broken --timeout=1s file:/never
observe failed job/broken '.status.conditions[]? | .type == "Failed" and .status == "True"'
ended failed 3
says failed "[k8s.failed]" "$work/failed.log"
says failed "kubectl logs job/broken --namespace $namespace" "$work/failed.log"
within "a Job that fails" 1000 $((ended - $(seen failed)))

# A Deployment, its Service, and an update.
start service "$(target service/web)#min=2"
until_it_says service k8s.absent
deployment() {
  in_ns apply --filename - >/dev/null <<D
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {revision: "$1"}}
    spec:
      terminationGracePeriodSeconds: 5
      containers: [$(container web --timeout=0 --heartbeat=0 file:/never)]
D
}
deployment one
start rollout "$(target deployment/web)"
ended service 0
ended rollout 0
deployment two
start update "$(target deploy/web)"
in_ns rollout status deployment/web >/dev/null
rolled=$(now)
ended update 0
within "a Deployment that is updated, after kubectl rollout status" 1000 $((ended - rolled))
start pods "$(target pod)#selector=app%3Dweb&min=2"
ended pods 0

# A claim.
start claim "$(target pvc/data)"
until_it_says claim k8s.absent
in_ns apply --filename - >/dev/null <<C
apiVersion: v1
kind: PersistentVolume
metadata: {name: $namespace}
spec: {capacity: {storage: 1Mi}, accessModes: [ReadWriteOnce], storageClassName: $namespace, hostPath: {path: /tmp}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: $namespace, resources: {requests: {storage: 1Mi}}}
C
ended claim 0

# A definition, and the kind that it defines.
start definition "k8s:crd/gadgets.$namespace.example.com"
start gadget not "$(target "gadget.$namespace.example.com/one")"
until_it_says definition k8s.absent
until_it_says gadget k8s.kind
kubectl apply --filename - >/dev/null <<D
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.$namespace.example.com}
spec:
  group: $namespace.example.com
  names: {plural: gadgets, singular: gadget, kind: Gadget}
  scope: Namespaced
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
D
ended definition 0
ended gadget 0

# A kind that is found by discovery, and a value in it.
start lease "$(target lease/leader)#jsonpath=\$.spec.holderIdentity==one"
until_it_says lease k8s.absent
lease() {
  in_ns apply --filename - >/dev/null <<L
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: leader}
spec: {holderIdentity: $1}
L
}
lease two
until_it_says lease k8s.pending
lease one
changed=$(now)
ended lease 0
within "a value in an object found by discovery" 1000 $((ended - changed))

# What is to go away.
in_ns create configmap lock >/dev/null
start gone not "$(target configmap/lock)"
until_it_says gone not.satisfied
in_ns delete configmap lock >/dev/null
deleted=$(now)
ended gone 0
within "a ConfigMap that is deleted" 1000 $((ended - deleted))
