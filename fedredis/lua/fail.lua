-- Counts a failed attempt of slaves that a worker holds; they go back on the ID list, or are given
-- up.
-- KEYS[1] round    - hash of the round
-- KEYS[2] ids      - zset, the ID list
-- KEYS[3] claims   - hash, slave to the worker that works for it
-- KEYS[4] inside   - hash, slave to the bundle that it is in
-- KEYS[5] attempts - hash, slave to how often it has failed
-- KEYS[6] open     - zset, names of the open rounds
-- KEYS[7] work     - stream that waiting workers block on
-- KEYS[8] events   - stream of what happened
-- KEYS[9] counts   - hash, what the run's rounds came to in numbers
-- KEYS[10…] for each slave the hash of its failures
-- ARGV[1] name   - the round's name
-- ARGV[2] epoch  - the epoch in which the round was opened, as the claim said
-- ARGV[3] worker - who claimed them
-- ARGV[4] error  - what went wrong
-- ARGV[5] as     - what it counts as: failed, reclaimed from a worker that is gone, or refused
-- ARGV[6…] the slaves
-- returns for each 1 if put back, 2 if given up, 4 if the round is closed, 5 if stale
local round, ids, claims, inside, attempts, open, work, events, counts = unpack(KEYS, 1, 9)
local name, epoch, worker, error, as = unpack(ARGV, 1, 5)

local fields = {'state', 'epoch', 'expected', 'given_up', 'quorum', 'attempts'}
local state = redis.call('HMGET', round, unpack(fields))
local refused = state[1] ~= 'open' and 4 or state[2] ~= epoch and 5
local answers, given_up, back = {}, tonumber(state[4]), false
for i = 6, #ARGV do
  local id, slave, claimed = ARGV[i], KEYS[i + 4], false
  if not refused then claimed = redis.call('HGET', claims, id) == worker end
  if refused then
    answers[i - 5] = refused
  elseif not claimed then
    -- It was delivered before, or another worker holds the slave by now.
    local tried = tonumber(redis.call('HGET', attempts, id) or 0)
    answers[i - 5] = tried >= tonumber(state[6]) and 2 or 1
  else
    -- Numbers as they are to be: of a script that is cut off in its file, a server may do the
    -- first commands twice.
    local failures = (tonumber(redis.call('HGET', slave, 'failures')) or 0) + 1
    redis.call('HSET', slave, 'error', error, 'round', name, 'failures', failures)
    tally(counts, as, 1)
    redis.call('HDEL', claims, id)
    local tried = (tonumber(redis.call('HGET', attempts, id)) or 0) + 1
    redis.call('HSET', attempts, id, tried)
    tell(events, 1000, 'type', 'failed', 'round', name, 'slave', id, 'attempt', tried)
    if tried < tonumber(state[6]) then
      answers[i - 5], back = 1, true
      redis.call('ZADD', ids, 0, id)
    else
      answers[i - 5] = 2
      given_up = (given_up or 0) + 1
      redis.call('HSET', round, 'given_up', given_up)
    end
  end
end
if back then tell(work, 100, 'round', name) end
if refused or given_up == tonumber(state[4]) then return answers end
local expected, quorum, count = tonumber(state[3]), tonumber(state[5]), redis.call('HLEN', inside)
if expected - given_up < quorum or count + given_up >= expected then
  redis.call('HSET', round, 'state', count >= quorum and 'closed' or 'failed')
  redis.call('ZREM', open, name)
  -- A failed round may start over: that it was closed must not be heard of after that.
  if count >= quorum then tell(events, 1000, 'type', 'closed', 'round', name) end
end
return answers
