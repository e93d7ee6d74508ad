-- Writes a new run, in which nothing is known yet, with the list of its slaves.
-- KEYS[1] run      - hash of the run
-- KEYS[2] runs     - zset, run ids by start time (ms)
-- KEYS[3] everyone - zset, all slaves by their place
-- KEYS[4] artifact - hash of the artifact that it begins with
-- KEYS[5] parts    - list, the parts of that
-- KEYS[6] lease    - string, the token of the master that is to drive it
-- ARGV[1] id      - the run's id
-- ARGV[2] config  - what it is asked to do (JSON)
-- ARGV[3] called  - name of the artifact
-- ARGV[4] schema  - its schema (JSON)
-- ARGV[5] version - its version
-- ARGV[6] head    - its only part
-- ARGV[7] token   - who asks
-- ARGV[8] ttl_ms  - how long who asks holds the lease unless it is renewed; 0 to leave it free
-- ARGV[9…] the slaves, in order
-- returns 1 if it is written, by this call or by one that was sent before; 0 if there is another
local run, runs, everyone, artifact, parts, lease = unpack(KEYS)
local id, config, called, schema, version, head, token, ttl = unpack(ARGV, 1, 8)

if redis.call('EXISTS', run) == 1 then
  return redis.call('HGET', run, 'master') == token and 1 or 0
end
local started, places = whole(now()), {}
for i = 9, #ARGV do places[2 * i - 17], places[2 * i - 16] = i - 9, ARGV[i] end
redis.call('ZADD', runs, started, id)
if tonumber(ttl) > 0 then redis.call('SET', lease, token, 'PX', ttl) end
redis.call('HSET', run, 'status', 'waiting', 'config', config, 'started', started, 'epoch', 0,
  'sequence', 0, 'round', 0, 'model', '', 'preprocessing', called, 'master', token)
spread('ZADD', everyone, places)
redis.call('HSET', artifact, 'schema', schema, 'version', version)
-- Its removal is in the server's file: it is there once, whatever part of that is done twice.
redis.call('SET', parts, '')
redis.call('UNLINK', parts)
redis.call('RPUSH', parts, head)
return 1
