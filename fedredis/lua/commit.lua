-- Makes a round's outcome the run's state, and clears the round away, in one call.
-- KEYS[1] run     - hash of the run
-- KEYS[2] history - hash, label to what the round came to
-- KEYS[3] events  - stream of what happened
-- KEYS[4] open    - zset, labels of the open rounds
-- KEYS[5] round   - hash of the round
-- KEYS[6…] for each artifact its hash, its staged parts and their place; for each update to keep
-- KEYS[6…] its key and where it is kept; then keys of no use afterwards
-- ARGV[1] epoch     - the caller's epoch
-- ARGV[2] label     - the round's name
-- ARGV[3] entry     - JSON for the history
-- ARGV[4] fields    - JSON object of fields for the run's hash
-- ARGV[5] artifacts - how many to write (a model, a preprocessing, a strategy's state)
-- ARGV[6] kept      - how many updates to keep
-- ARGV[7…] an artifact's schema (JSON), its arrays or '', and how many parts it has, for each
-- returns 1 if committed, 3 if it was before (duplicate), 5 if there is no such round, or
--   parts are lost (stale),
--   -2 if another master has taken over (fenced)
local run, history, events, open, round = unpack(KEYS, 1, 5)
local epoch, label, entry = ARGV[1], ARGV[2], ARGV[3]
local artifacts = 5 + 3 * tonumber(ARGV[5])
local kept = artifacts + 2 * tonumber(ARGV[6])

local fields = cjson.decode(ARGV[4])
if redis.call('HGET', run, 'epoch') ~= epoch then
  return -2
elseif redis.call('HEXISTS', history, label) == 1 then
  return 3
elseif redis.call('EXISTS', round) == 0 then
  return 5
end
for i = 6, artifacts, 3 do
  local staged, blob, count = KEYS[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  if blob == '' and redis.call('LLEN', staged) ~= count then return 5 end
end
for i = 6, artifacts, 3 do
  local artifact, staged, parts, blob = KEYS[i], KEYS[i + 1], KEYS[i + 2], ARGV[i + 2]
  redis.call('HSET', artifact, 'schema', ARGV[i + 1])
  if blob ~= '' then
    redis.call('HSET', artifact, 'blob', blob)
  else
    redis.call('RENAME', staged, parts)
    redis.call('PERSIST', parts)
  end
end
for i = artifacts + 1, kept, 2 do
  local update, last = KEYS[i], KEYS[i + 1]
  if redis.call('EXISTS', update) == 1 then redis.call('RENAME', update, last) end
end
redis.call('HSET', history, label, entry)
for name, value in pairs(fields) do redis.call('HSET', run, name, value) end
redis.call('ZREM', open, label)
redis.call('UNLINK', round)
for first = kept + 1, #KEYS, 1000 do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + 999, #KEYS)))
end
redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'committed', 'round', label)
return 1
