#!/bin/sh
# Makes an authority, and a certificate of it for a server: FOLDER/ca.pem, server.pem, server.key.
#   compose/certificates.sh FOLDER NAME…
# NAME: as clients call the server, such as redis.example.org or 10.0.0.1.
# What is there already is left as it is; delete the folder to have others. They last two years.
set -eu
folder=$1
shift
[ ! -e "$folder/server.pem" ] || exit 0
umask 077
mkdir -p "$folder"
cd "$folder"
names=
for name; do
  case $name in
    *:*) names=$names,IP:$name ;;
    *[!0-9.]*) names=$names,DNS:$name ;;
    *) names=$names,IP:$name ;;
  esac
done
new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 730"
openssl req -x509 $new -keyout ca.key -out ca.pem -subj "/CN=fedredis authority" 2>/dev/null
openssl req -x509 $new -keyout server.key -out server.new -subj "/CN=$1" -CA ca.pem -CAkey ca.key \
  -addext "subjectAltName=${names#,}" -addext basicConstraints=critical,CA:false 2>/dev/null
# Nothing more is to be signed.
rm ca.key
mv server.new server.pem
