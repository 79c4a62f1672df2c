#!/bin/sh
# Gate a local script: run the migration once the database accepts connections, but not for longer than a
# minute. The migration replaces prereq, so that its exit status, its output and Ctrl-C are its own.
#
#   examples/scripts/gate.sh ./migrate --up
#
# DATABASE is HOST:PORT, localhost:5432 unless set.
set -eu

exec prereq --timeout 1m "tcp://${DATABASE:-localhost:5432}" -- "$@"
