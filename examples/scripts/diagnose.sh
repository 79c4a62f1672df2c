#!/bin/sh
# Tell apart why a wait ended: each exit status means one thing.
#
#   examples/scripts/diagnose.sh tcp://localhost:5432
set -u

prereq --timeout "${WAIT:-30s}" "$@"
status=$?
case $status in
0) echo "all there" ;;
1) echo "not there within the attempts allowed" ;;
2) echo "the command line is wrong" ;;
3) echo "it will never be there" ;;
124) echo "not there in time" ;;
130 | 143) echo "ended by a signal" ;;
*) echo "unexpected status $status" ;;
esac
exit "$status"
