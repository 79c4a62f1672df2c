#!/bin/sh
# A CI job that starts its own services: wait for all of them at once, and let the job fail with the reason in
# its log when one of them does not come up.
#
#   WEB_URL=http://localhost:8080/healthz DATABASE=localhost:5432 examples/scripts/ci-services.sh
set -eu

prereq --timeout "${WAIT:-2m}" \
    "tcp://${DATABASE:-localhost:5432}#name=database" \
    "${WEB_URL:-http://localhost:8080/healthz}#name=web&timeout=90s"

echo "services are up: running the tests"
