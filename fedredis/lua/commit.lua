-- Makes a round's outcome the run's state, and clears the round away, in one call.
-- KEYS[1] run      - hash of the run
-- KEYS[2] history  - hash, round to what it came to
-- KEYS[3] events   - stream of what happened
-- KEYS[4] slaves   - hash, kind of round to what its slaves told of themselves
-- KEYS[5] warnings - list of what may mislead
-- KEYS[6] round    - hash of the round
-- KEYS[7] inside   - hash, slave to the bundle that it is in
-- KEYS[8] counts   - hash, what the run's rounds came to in numbers
-- KEYS[9] last     - string, what this commit makes of the run
-- KEYS[10…] for each artifact its hash, its staged parts and their place; then the bundles that
-- KEYS[10…] were counted, and other keys of no use afterwards
-- ARGV[1] token     - who asks
-- ARGV[2] name      - the round's name
-- ARGV[3] counted   - how many slaves the master has counted
-- ARGV[4] entries   - JSON list of rounds and entries (JSON) for the history, the round's own last
-- ARGV[5] fields    - JSON object of fields for the run's hash
-- ARGV[6] told      - JSON of what its slaves told of themselves, or ''
-- ARGV[7] misleads  - JSON list of warnings
-- ARGV[8] artifacts - how many to write
-- ARGV[9] bundles   - how many were counted
-- ARGV[10…] for each artifact its schema (JSON), its version, how many parts it has
-- returns {sequence, answer}: 1 if committed, 3 if it was before, 5 if there is no such round,
--   6 if it is not closed, 7 if others are in than were counted, 8 if parts are lost
local run, history, events, slaves, warnings, round, inside, counts = unpack(KEYS, 1, 8)
local last = KEYS[9]
local token, name, counted, told = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[6]

local refused = refusal(run, token)
if refused then return refused end
local entries, fields, misleads = cjson.decode(ARGV[4]), ARGV[5], cjson.decode(ARGV[7])
local ending, bundles = 9 + 3 * tonumber(ARGV[8]), tonumber(ARGV[9])
local known = redis.call('HMGET', round, 'state', 'opened')
local state, opened = known[1], known[2]
local answer = redis.call('HEXISTS', history, name) == 1 and 3 or not state and 5
  or state ~= 'closed' and 6 or redis.call('HLEN', inside) ~= counted and 7
for i = 10, ending, 3 do
  local lost = redis.call('LLEN', KEYS[i + 1]) ~= tonumber(ARGV[i + 2])
  answer = answer or lost and 8
end
for i = ending + 1, ending + bundles do
  -- After a loss its slaves may have handed in anew: another one, which would be left behind.
  answer = answer or redis.call('EXISTS', KEYS[i]) == 0 and 7
end
if answer then
  for i = 10, ending, 3 do redis.call('UNLINK', KEYS[i + 1]) end
  return numbered(run, answer)
end
for i = 10, ending, 3 do
  local artifact, staged, parts = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  redis.call('HSET', artifact, 'schema', ARGV[i], 'version', ARGV[i + 1])
  redis.call('RENAME', staged, parts)
  redis.call('PERSIST', parts)
end
local kind = string.match(name, '^[^:]+')
if told ~= '' then redis.call('HSET', slaves, kind, told) end
for _, text in ipairs(misleads) do redis.call('RPUSH', warnings, text) end
redis.call('SET', last, cjson.encode({fields, entries}))
settle(last, run, history)
for first = ending + 1, #KEYS, 1000 do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + 999, #KEYS)))
end
for _, entry in ipairs(entries) do
  kind = string.match(entry[1], '^[^:]+')
  tally(counts, 'rounds:' .. kind, 1)
  tally(counts, 'ms:' .. kind, now() - (tonumber(opened) or now()))
  tell(events, 1000, 'type', 'committed', 'round', entry[1])
end
return numbered(run, 1)
