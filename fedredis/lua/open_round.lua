-- Opens a round for the slaves it asks, or adopts it as it stands if a master before opened it.
-- KEYS[1] run    - hash of the run
-- KEYS[2] round  - hash of the round
-- KEYS[3] ids    - zset, the ID list: slaves still to be claimed, by their place in the list
-- KEYS[4] open   - zset, labels of the open rounds, by time of opening
-- KEYS[5] work   - stream that waiting workers block on
-- KEYS[6] events - stream of what happened
-- KEYS[7] task   - hash of what slaves are given to do, which they can read only
-- ARGV[1] epoch      - the caller's epoch
-- ARGV[2] label      - the round's name, kind:number
-- ARGV[3] quorum     - how many updates make the round valid
-- ARGV[4] timeout_ms - deadline from now
-- ARGV[5] fields     - JSON object, the fields of the task
-- ARGV[6…] slave ids, in order
-- returns 1 if opened, 2 if adopted, -2 if another master has taken over (fenced)
local run, round, ids, open, work, events, task = unpack(KEYS)
local epoch, label, quorum, timeout = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

if redis.call('HGET', run, 'epoch') ~= epoch then
  return -2
end
local fields = cjson.decode(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HGET', round, 'state')
if not state then
  redis.call('HSET', round, 'epoch', epoch, 'expected', #ARGV - 5, 'quorum', quorum,
    'opened', string.format('%.0f', now))
  for name, value in pairs(fields) do
    redis.call('HSET', task, name, value)
  end
end
-- A failed round starts over with those who are missing; who is in already stays a duplicate.
if state ~= 'open' and state ~= 'closed' then
  redis.call('HSET', round, 'state', 'open', 'given_up', 0)
  for first = 6, #ARGV, 1000 do
    local forget, places = {}, {}
    for i = first, math.min(first + 999, #ARGV) do
      forget[#forget + 1] = 'attempts:' .. ARGV[i]
      forget[#forget + 1] = 'given_up:' .. ARGV[i]
      places[#places + 1] = i - 6
      places[#places + 1] = ARGV[i]
    end
    redis.call('HDEL', round, unpack(forget))
    redis.call('ZADD', ids, unpack(places))
  end
  redis.call('ZADD', open, string.format('%.0f', now), label)
end
redis.call('HSET', round, 'deadline', string.format('%.0f', now + timeout))
redis.call('XADD', work, 'MAXLEN', '~', 100, '*', 'round', label)
redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'opened', 'round', label)
return state and 2 or 1
