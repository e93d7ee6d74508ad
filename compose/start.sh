#!/usr/bin/env bash
# A federation in containers, from nothing to its measure:
#   NUM_SLAVES=10 compose/start.sh [--rounds 50 …]    options of `fedredis run`
# Builds the image, cuts the data, starts Redis and a container for each slave, trains, prints.
# Variables: those of docker-compose.yml. COMPOSE_FILE adds others: docker-compose.yml:compose/tls.yml
set -euo pipefail
cd "$(dirname "$0")/.."
export NUM_SLAVES=${NUM_SLAVES:-10}

if ! docker compose version >/dev/null 2>&1 || ! docker info >/dev/null 2>&1; then
  echo "compose/start.sh needs a Docker engine that answers, with Compose 2.23 or newer" >&2
  exit 1
fi
docker compose build --quiet
docker compose up --detach --quiet-pull --scale slave="$NUM_SLAVES"
docker compose run --rm master "$@"
echo "$NUM_SLAVES slaves are up; train again: docker compose run --rm master; end: docker compose down" >&2
