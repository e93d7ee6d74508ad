#!/bin/sh
# Cuts the data unless it is cut, writes what Redis and those who use it need, and deals to them.
# Arguments: those of `fedredis partition`, but for --slaves and --out. Where nothing is said, neither
# by them nor by NUM_SLAVES and DATASET, the data is the last one: who only trains need not repeat it.
set -eu
umask 077
here=$(dirname "$0")
parts=/partitions/current
if [ -n "$*$NUM_SLAVES$DATASET" ] || [ ! -e "$parts" ]; then
  cut=${DATASET:-songs}-${NUM_SLAVES:-10}
  fedredis partition "$@" --slaves "${NUM_SLAVES:-10}" --out "/partitions/$cut"
  ln -sfn "$cut" "$parts"
fi

# Redis reads its rules where it keeps its data. Whoever asks for its health may do that alone.
{
  fedredis acl all --data "$parts" --passwords /partitions/passwords
  echo "user fedredis-health reset on nopass resetchannels -@all +ping"
} >/redis/users.new
mv /redis/users.new /redis/users.acl

if [ -s /run/secrets/page ]; then
  cp /run/secrets/page /partitions/passwords/page
elif [ ! -s /partitions/passwords/page ]; then
  python -c "import secrets; print(secrets.token_urlsafe(12))" >/partitions/passwords/page
fi

rm -f /authority/ca.pem
{
  cat "$here/redis.conf"
  if [ -n "${TLS:-}" ]; then
    "$here/certificates.sh" /certificates redis partition >&2
    cp /certificates/ca.pem /authority/
    cat "$here/tls.conf"
  fi
} >/redis/redis.conf

exec python "$here/dealer.py" "$parts" /partitions/passwords
