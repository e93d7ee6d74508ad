-- Opens a round for the slaves it asks, or adopts it if a master before opened it: whoever is
-- neither in, nor listed, nor given up, nor claimed by a worker that is attached, is listed again.
-- A round that failed starts over with those who are missing.
-- KEYS[1] run      - hash of the run
-- KEYS[2] history  - hash, round to what it came to
-- KEYS[3] round    - hash of the round
-- KEYS[4] task     - hash of what slaves are given to do, which they can read only
-- KEYS[5] ids      - zset, the ID list: slaves still to be claimed, by their place in the list
-- KEYS[6] claims   - hash, slave to the worker that works for it
-- KEYS[7] inside   - hash, slave to the bundle that it is in
-- KEYS[8] attempts - hash, slave to how often it has failed
-- KEYS[9] everyone - zset, all slaves by their place
-- KEYS[10] attached - zset, workers that stay with the run, by the time (ms) until which they do
-- KEYS[11] open    - zset, names of the open rounds, by time of opening
-- KEYS[12] work    - stream that waiting workers block on
-- KEYS[13] events  - stream of what happened
-- KEYS[14] bundles - list, names of the bundles that are in
-- ARGV[1] token      - who asks
-- ARGV[2] name       - the round's name
-- ARGV[3] after      - a round that has to be committed, or ''
-- ARGV[4] expected   - how many slaves it asks
-- ARGV[5] quorum     - how many of them make the round valid
-- ARGV[6] tries      - how often a slave may fail
-- ARGV[7] timeout_ms - deadline from now
-- ARGV[8] fields     - JSON object, the fields of the task
-- ARGV[9] news       - rounds that workers are told of: all of a turn, by its last one; or ''
-- ARGV[10] workers   - how many are on their way to it at least, with those that are attached
-- ARGV[11…] slaves, in order; none for everyone
-- returns {sequence, answer, {worker that is attached, …}}: 1 if opened, 2 if adopted, 5 if the
--   round before is not committed, or there are other slaves than expected
local run, history, round, task, ids, claims, inside, attempts = unpack(KEYS, 1, 8)
local everyone, attached, open, work, events, bundles = unpack(KEYS, 9, 14)
local token, name, after, expected, quorum, tries, timeout = unpack(ARGV, 1, 7)

local refused = refusal(run, token)
if refused then return refused end
local total = #ARGV > 10 and #ARGV - 10 or redis.call('ZCARD', everyone)
if after ~= '' and redis.call('HEXISTS', history, after) == 0 or total ~= tonumber(expected) then
  return numbered(run, 5, {})
end
keep('hash', round, claims, inside, attempts)
keep('zset', ids, attached, open)
keep('list', bundles)
local time, fields, there, given_up = now(), cjson.decode(ARGV[8]), {}, 0
local known = redis.call('HMGET', round, 'state', 'epoch', 'opened')
local state, epoch, opened = known[1], known[2], known[3]
local workers = redis.call('ZRANGEBYSCORE', attached, whole(time), '+inf')
-- As it should be, whatever a slave has written there.
if not tonumber(epoch) then epoch = redis.call('HGET', run, 'epoch') end
redis.call('HSET', round, 'epoch', epoch, 'opened', tonumber(opened) and opened or whole(time),
  'expected', expected, 'quorum', quorum, 'attempts', tries, 'workers', ARGV[10])
-- All of it at once, and again if it is not there: of a round that a server has lost, it may have
-- kept the rest, and whoever claims a slave then could do nothing.
if not state or redis.call('HEXISTS', task, 'reads') == 0 then
  local given = {}
  for field, value in pairs(fields) do given[#given + 1], given[#given + 2] = field, value end
  redis.call('UNLINK', task)
  spread('HSET', task, given)
end
if state ~= 'open' and state ~= 'closed' then
  redis.call('HSET', round, 'state', 'open')
  redis.call('ZADD', open, whole(time), name)
  redis.call('UNLINK', attempts)
end
if not state and #ARGV == 10 then
  redis.call('ZUNIONSTORE', ids, 1, everyone)
elseif state ~= 'closed' then
  for _, worker in ipairs(workers) do there[worker] = true end
  for first = 0, total - 1, 1000 do
    local part, listed = {}, {}
    if #ARGV == 10 then
      part = redis.call('ZRANGE', everyone, first, first + 999)
    else
      part = {unpack(ARGV, first + 11, math.min(first + 1010, #ARGV))}
    end
    local _, places = spread('ZMSCORE', ids, part)
    local _, held = spread('HMGET', inside, part)
    local _, claimed = spread('HMGET', claims, part)
    local _, tried = spread('HMGET', attempts, part)
    for i, id in ipairs(part) do
      local out = (tonumber(tried[i]) or 0) >= tonumber(tries)
      if out and not held[i] then given_up = given_up + 1 end
      if not (places[i] or held[i] or out or claimed[i] and there[claimed[i]]) then
        listed[#listed + 1], listed[#listed + 2] = first + i - 1, id
        if claimed[i] then redis.call('HDEL', claims, id) end
      end
    end
    spread('ZADD', ids, listed)
  end
end
local count = redis.call('HLEN', inside)
if state ~= 'closed' and count + given_up >= tonumber(expected) then
  redis.call('HSET', round, 'state', count >= tonumber(quorum) and 'closed' or 'failed')
  redis.call('ZREM', open, name)
end
if redis.call('HGET', round, 'state') == 'open' then
  redis.call('ZADD', open, 'NX', whole(time), name)
end
redis.call('HSET', round, 'deadline', whole(time + tonumber(timeout)), 'given_up', given_up)
if ARGV[9] ~= '' then tell(work, 100, 'round', ARGV[9]) end
tell(events, 1000, 'type', 'opened', 'round', name)
return numbered(run, state and 2 or 1, workers)
