#!/usr/bin/env bash
# Puts all that the hosts of a federation fetch into an S3 bucket that is yours:
#   prepare.sh BUCKET WHEEL [what `fedredis partition` takes, such as songs.csv --slaves 10]
# Logins, keys and partitions are made in the folder `federation`, unless they are there.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
bucket=$1 wheel=$(realpath "$2")
shift 2
address=${REDIS_ADDRESS:-10.20.0.10} port=${REDIS_PORT:-6379}
here=$(cd "$(dirname "$0")" && pwd)
umask 077
mkdir -p federation
cd federation

[ -d partitions ] || (cd .. && fedredis partition "$@" --out federation/partitions)
fedredis acl all --data partitions --passwords passwords >users.acl
"$here/../certificates.sh" certificates "$address"

login() { # USER: what a host with this login sets
  printf 'REDIS_URL=rediss://%s@%s:%s/0?ssl_ca_certs=/etc/fedredis/ca.pem\n' "$1" "$address" "$port"
  printf 'REDIS_PASSWORD=%s\n' "$(cat "passwords/$1")"
}
rm -rf upload
mkdir -p upload/common upload/redis upload/master
cp "$wheel" "$here/host.sh" certificates/ca.pem upload/common
cp users.acl certificates/server.* "$here/../redis.conf" upload/redis
login fedredis-master >upload/master/environment
for file in partitions/slave-*.npy; do
  name=${file##*/slave-}
  name=${name%.npy}
  mkdir -p "upload/slaves/$name/data"
  cp partitions/manifest.json "$file" "upload/slaves/$name/data"
  users=(passwords/*-slave-"$name")
  login "${users[0]##*/}" >"upload/slaves/$name/environment"
done
aws s3 sync --only-show-errors upload "s3://$bucket"
rm -rf upload
