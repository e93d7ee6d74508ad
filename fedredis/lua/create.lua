-- Writes a new run, in which nothing is known yet, with the list of its slaves.
-- KEYS[1] run      - hash of the run
-- KEYS[2] runs     - zset, run ids by start time (ms)
-- KEYS[3] everyone - zset, all slaves by their place
-- KEYS[4] artifact - hash of the artifact that it begins with
-- KEYS[5] parts    - list, the parts of that
-- ARGV[1] id      - the run's id
-- ARGV[2] config  - what it is asked to do (JSON)
-- ARGV[3] called  - name of the artifact
-- ARGV[4] schema  - its schema (JSON)
-- ARGV[5] version - its version
-- ARGV[6] head    - its only part
-- ARGV[7] token   - who asks
-- ARGV[8…] the slaves, in order
-- returns 1 if it is written, by this call or by one that was sent before; 0 if there is another
local run, runs, everyone, artifact, parts = unpack(KEYS)
local id, config, called, schema, version, head, token = unpack(ARGV, 1, 7)

if redis.call('EXISTS', run) == 1 then
  return redis.call('HGET', run, 'master') == token and 1 or 0
end
local started, places = whole(now()), {}
for i = 8, #ARGV do places[2 * i - 15], places[2 * i - 14] = i - 8, ARGV[i] end
redis.call('ZADD', runs, started, id)
redis.call('HSET', run, 'status', 'waiting', 'config', config, 'started', started, 'epoch', 0,
  'sequence', 0, 'round', 0, 'model', '', 'preprocessing', called, 'master', token)
spread('ZADD', everyone, places)
redis.call('HSET', artifact, 'schema', schema, 'version', version)
redis.call('RPUSH', parts, head)
return 1
