#!/usr/bin/env bash
# Makes a host of a federation out of a fresh Amazon Linux 2023, from what `prepare.sh` has put into a
# bucket:
#   host.sh redis|master|slave BUCKET [NAME OF THE SLAVE]
# Where systemd runs, the host serves from now on, after each start; elsewhere this program does.
set -euo pipefail
role=$1 bucket=$2 name=${3:-}
port=${REDIS_PORT:-6379} state=/var/lib/fedredis settings=/etc/fedredis

fetch() { aws s3 cp --only-show-errors --recursive "s3://$bucket/$1" "$2"; }

serve() { # UNIT COMMAND…: run a command as the user fedredis, always
  local unit=$1
  shift
  if [ ! -d /run/systemd/system ]; then
    cd "$state"
    set -a
    # shellcheck source=/dev/null
    [ ! -f "$settings/environment" ] || . "$settings/environment"
    exec setpriv --reuid fedredis --regid fedredis --clear-groups "$@"
  fi
  cat >"/etc/systemd/system/$unit.service" <<UNIT
[Unit]
Wants=network-online.target
After=network-online.target
[Service]
User=fedredis
WorkingDirectory=$state
EnvironmentFile=-$settings/environment
ExecStart=$*
Restart=always
RestartSec=5
# A worker has 30 seconds to finish the slave that it works for.
TimeoutStopSec=40
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=$state
ProtectHome=yes
PrivateTmp=yes
LimitNOFILE=65536
[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable --now "$unit"
}

install_fedredis() {
  ! command -v dnf >/dev/null || dnf install -y -q python3.12
  local python
  python=$(command -v python3.12 || command -v python3)
  # The programs are for every user, the rest is not.
  (
    umask 022
    "$python" -m venv /opt/fedredis
    /opt/fedredis/bin/pip install --quiet "$settings"/common/*.whl
  )
  ln -sf /opt/fedredis/bin/fedredis /usr/local/bin/fedredis
}

id fedredis >/dev/null 2>&1 || useradd --system --home-dir "$state" --shell /usr/sbin/nologin fedredis
umask 027
mkdir -p "$settings" "$state"
fetch common/ "$settings/common"
cp "$settings/common/ca.pem" "$settings/ca.pem"

case $role in
redis)
  ! command -v dnf >/dev/null || dnf install -y -q valkey
  fetch redis/ "$settings"
  cat "$settings/redis.conf" - >"$settings/server.conf" <<CONF
port 0
tls-port $port
tls-cert-file $settings/server.pem
tls-key-file $settings/server.key
tls-ca-cert-file $settings/ca.pem
tls-auth-clients no
aclfile $settings/users.acl
dir $state
CONF
  ;;
slave)
  install_fedredis
  fetch "slaves/$name/" "$settings"
  mkdir -p "$state/data"
  mv "$settings"/data/* "$state/data"
  ;;
master)
  install_fedredis
  fetch master/ "$settings"
  ;;
*)
  echo "host.sh: redis, master or slave, not $role" >&2
  exit 2
  ;;
esac
chown -R root:fedredis "$settings"
chmod -R g+rX,o-rwx "$settings"
chown -R fedredis:fedredis "$state"

case $role in
redis) serve fedredis-redis "$(command -v valkey-server || command -v redis-server)" "$settings/server.conf" ;;
slave) serve fedredis-slave /opt/fedredis/bin/fedredis slave --data "$state/data" ;;
master) echo "ready: set -a; . $settings/environment; fedredis run --wait-timeout 600" ;;
esac
