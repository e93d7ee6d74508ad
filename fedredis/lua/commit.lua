-- Makes a round's outcome the run's state, and clears the round away, in one call.
-- KEYS[1] run      - hash of the run
-- KEYS[2] history  - hash, label to what the round came to
-- KEYS[3] events   - stream of what happened
-- KEYS[4] open     - zset, labels of the open rounds
-- KEYS[5] round    - hash of the round
-- KEYS[6] artifact - hash to write, when a schema is given (the new model or preprocessing)
-- KEYS[7] staged   - list of the artifact's parts, if it is large
-- KEYS[8] parts    - list, where they belong
-- KEYS[9…] keys that are of no use afterwards
-- ARGV[1] epoch  - the caller's epoch
-- ARGV[2] label  - the round's name
-- ARGV[3] entry  - JSON for the history
-- ARGV[4] fields - JSON object of fields for the run's hash
-- ARGV[5] schema - JSON, describes the artifact, or '' for none
-- ARGV[6] blob   - arrays of the artifact, or '' if they are in parts
-- ARGV[7] count  - how many parts there are
-- returns 1 if committed, 3 if it was before (duplicate), 5 if there is no such round, or
--   the parts are lost (stale),
--   -2 if another master has taken over (fenced)
local run, history, events, open, round, artifact, staged, parts = unpack(KEYS, 1, 8)
local epoch, label, entry, schema, blob = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[6]

local fields = cjson.decode(ARGV[4])
if redis.call('HGET', run, 'epoch') ~= epoch then
  return -2
elseif redis.call('HEXISTS', history, label) == 1 then
  return 3
elseif redis.call('EXISTS', round) == 0 then
  return 5
elseif schema ~= '' and blob == '' and redis.call('LLEN', staged) ~= tonumber(ARGV[7]) then
  return 5
end
if blob ~= '' then
  redis.call('HSET', artifact, 'schema', schema, 'blob', blob)
elseif schema ~= '' then
  redis.call('RENAME', staged, parts)
  redis.call('PERSIST', parts)
  redis.call('HSET', artifact, 'schema', schema)
end
redis.call('HSET', history, label, entry)
for name, value in pairs(fields) do
  redis.call('HSET', run, name, value)
end
redis.call('ZREM', open, label)
redis.call('UNLINK', round)
for first = 9, #KEYS, 1000 do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + 999, #KEYS)))
end
redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'committed', 'round', label)
return 1
