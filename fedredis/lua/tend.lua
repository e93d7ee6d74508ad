-- Tends a round: prolongs its master's lease, names slaves whose workers are no longer attached,
-- and at the deadline, or when nobody is to come, closes the round if a quorum has arrived.
-- A lease that ran out while nobody else took over is taken up again.
-- KEYS[1] run      - hash of the run
-- KEYS[2] lease    - string, the token of the master in charge
-- KEYS[3] round    - hash of the round
-- KEYS[4] claims   - hash, slave to the worker that works for it
-- KEYS[5] inside   - hash, slave to the bundle that it is in
-- KEYS[6] bundles  - list, names of the bundles that are in
-- KEYS[7] open     - zset, names of the open rounds
-- KEYS[8] events   - stream of what happened
-- KEYS[9] attached - zset, workers that stay with the run, by the time (ms) until which they do
-- KEYS[10] ids     - zset, the ID list
-- ARGV[1] token  - who asks
-- ARGV[2] ttl_ms - how long the lease lasts from now
-- ARGV[3] name   - the round's name
-- returns {sequence, state, slaves in, bundles in, epoch of the round, {worker, …},
--   {slave, worker that is gone, …}, slaves that are nowhere}: state 1 if open, 0 if closed,
--   -1 if its quorum can't be had any more, -5 if there is no such round
local run, lease, round, claims, inside, bundles, open, events, attached, ids = unpack(KEYS)
local token, ttl, name = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local refused = refusal(run, token)
if refused then return refused end
redis.call('SET', lease, token, 'PX', ttl)
local time, gone, nowhere = now(), {}, 0
redis.call('ZREMRANGEBYSCORE', attached, '-inf', whole(time))
local workers = redis.call('ZRANGE', attached, 0, -1)
local fields = {'state', 'deadline', 'quorum', 'epoch', 'expected', 'given_up'}
local round_ = redis.call('HMGET', round, unpack(fields))
local count, state = redis.call('HLEN', inside), ({open = 1, closed = 0, failed = -1})[round_[1]]
local expected, given_up = tonumber(round_[5]), tonumber(round_[6]) or 0
if state == 1 and (time >= tonumber(round_[2]) or count + given_up >= expected) then
  state = count >= tonumber(round_[3]) and 0 or -1
  if state == 0 then
    redis.call('HSET', round, 'state', 'closed')
    redis.call('ZREM', open, name)
    tell(events, 1000, 'type', 'closed', 'round', name)
  end
elseif state == 1 then
  local there, held = {}, redis.call('HGETALL', claims)
  for _, worker in ipairs(workers) do there[worker] = true end
  for i = 1, #held, 2 do
    if not there[held[i + 1]] then
      gone[#gone + 1], gone[#gone + 2] = held[i], held[i + 1]
    end
  end
  keep('zset', ids)
  nowhere = math.max(0, expected - given_up - count - #held / 2 - redis.call('ZCARD', ids))
end
local arrived, epoch = redis.call('LLEN', bundles), tonumber(round_[4]) or 0
return numbered(run, state or -5, count, arrived, epoch, workers, gone, nowhere)
