-- Counts slaves' updates in, each once however often it is delivered; the last closes the round.
-- KEYS[1] round   - hash of the round
-- KEYS[2] ids     - zset, the ID list
-- KEYS[3] claims  - hash, slave id to "worker lease-end"
-- KEYS[4] arrived - counter of the updates that are in
-- KEYS[5] open    - zset, labels of the open rounds
-- KEYS[6] events  - stream of what happened
-- KEYS[7] staged  - list of the parts of an update that is given as ''
-- KEYS[8…] for each slave: its update (string), and the hash of what is known of it
-- ARGV[1] label  - the round's name
-- ARGV[2] epoch  - the epoch in which the round was opened, as the claim said
-- ARGV[3] worker - who hands the updates in
-- ARGV[4] facts  - JSON list of names of what is told of each slave
-- ARGV[5] parts  - how many parts an update has that is given as ''
-- ARGV[6…] for each slave: its id, its update, the values of the facts
-- returns for each slave 1 if counted, 2 if as the last, 3 if a duplicate, 4 if late, 5 if stale
local round, ids, claims, arrived, open, events, staged = unpack(KEYS, 1, 7)
local label, epoch, worker, facts = ARGV[1], ARGV[2], ARGV[3], cjson.decode(ARGV[4])

local state = redis.call('HMGET', round, 'state', 'epoch', 'expected', 'given_up')
local refused = state[1] ~= 'open' and 4 or state[2] ~= epoch and 5 or nil
local expected, given_up = tonumber(state[3]), tonumber(state[4])
local known = {'round', label, 'worker', worker}
local answers, stride = {}, 2 + #facts
for k = 1, (#ARGV - 5) / stride do
  local at = 5 + stride * (k - 1)
  local id, blob, update, slave = ARGV[at + 1], ARGV[at + 2], KEYS[2 * k + 6], KEYS[2 * k + 7]
  local lost = blob == '' and redis.call('LLEN', staged) ~= tonumber(ARGV[5])
  answers[k] = refused or redis.call('EXISTS', update) == 1 and 3 or lost and 5 or 1
  if answers[k] ~= 5 and redis.call('HDEL', claims, id) == 0 then
    redis.call('ZREM', ids, id)
  end
  if answers[k] == 1 then
    if blob == '' then
      redis.call('RENAME', staged, update)
      redis.call('PERSIST', update)
    else
      redis.call('SET', update, blob)
    end
    for i, name in ipairs(facts) do
      known[2 * i + 3], known[2 * i + 4] = name, ARGV[at + 2 + i]
    end
    redis.call('HSET', slave, unpack(known))
    if given_up > 0 and redis.call('HDEL', round, 'given_up:' .. id) == 1 then
      given_up = redis.call('HINCRBY', round, 'given_up', -1)
    end
    if redis.call('INCR', arrived) + given_up >= expected then
      redis.call('HSET', round, 'state', 'closed')
      redis.call('ZREM', open, label)
      redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'closed', 'round', label)
      answers[k], refused = 2, 4
    elseif blob == '' then
      -- Worth fetching before the round is complete; small ones are not worth the wake-up.
      redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'arrived', 'round', label)
    end
  else
    redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'refused', 'round', label,
      'slave', id, 'why', ({[3] = 'duplicate', [4] = 'late', [5] = 'stale'})[answers[k]])
  end
end
return answers
