-- Takes updates that can't be counted out of a round, and fails it, so that it can start over.
-- KEYS[1] run     - hash of the run
-- KEYS[2] round   - hash of the round
-- KEYS[3] arrived - counter of the updates that are in
-- KEYS[4…] updates that can't be counted
-- ARGV[1] epoch - the caller's epoch
-- returns 1 if failed, -2 if another master has taken over (fenced)
local run, round, arrived = unpack(KEYS, 1, 3)
local epoch = ARGV[1]

if redis.call('HGET', run, 'epoch') ~= epoch then
  return -2
end
for i = 4, #KEYS do
  if redis.call('UNLINK', KEYS[i]) == 1 then
    redis.call('DECR', arrived)
  end
end
redis.call('HSET', round, 'state', 'failed')
return 1
