-- Takes the master's lease of a run, and with it a new epoch; earlier masters are fenced off, and
-- the run's status is running from then on. An epoch is a time, so that it is above those of a
-- time that the server has lost, too: what workers hold of them counts for nothing.
-- KEYS[1] run    - hash of the run
-- KEYS[2] lease  - string, the token of the master in charge
-- KEYS[3] work   - stream that waiting workers block on
-- KEYS[4] events - stream of what happened
-- KEYS[5] nodes  - stream of what the run's processes use, to which they add if it is there
-- KEYS[6] counts - hash, what its rounds came to in numbers
-- KEYS[7] last   - string, what the newest commit made of the run
-- KEYS[8] history - hash, round to what it came to
-- ARGV[1] token  - who asks
-- ARGV[2] ttl_ms - how long the lease lasts unless renewed
-- ARGV[3] had    - the epoch that it has had so far, 0 for none
-- returns {epoch, sequence}: the epoch in ms since 1970, or 0 if another master holds the lease, or
--   -1 if there is no such run
local run, lease, work, events, nodes, counts, last, history = unpack(KEYS)
local token, ttl, had = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local known = redis.call('HMGET', run, 'config', 'epoch', 'sequence', 'master')
if not known[1] then
  return {-1, 0}
end
local holder = redis.call('GET', lease)
if holder and holder ~= token then
  return {0, 0}
end
settle(last, run, history)
local before = tonumber(known[2]) or 0
if holder and known[4] == token and before > had then
  return {before, tonumber(known[3]) or 0}
end
local epoch = math.max(now(), before + 1, had + 1)
redis.call('SET', lease, token, 'PX', ttl)
-- They were to end some time after the run.
redis.call('PERSIST', work)
redis.call('PERSIST', events)
redis.call('PERSIST', nodes)
keep('hash', counts)
redis.call('HSETNX', counts, 'masters', 0)
tally(counts, 'masters', 1)
redis.call('PERSIST', counts)
tell(nodes, 50000, 'node', 'master')
-- In the end, and at once: see `numbered`.
local sequence = (tonumber(known[3]) or 0) + 1
redis.call('HSET', run, 'epoch', whole(epoch), 'sequence', sequence, 'master', token,
  'status', 'running', 'error', '')
return {epoch, sequence}
