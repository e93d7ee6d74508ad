-- Ends a master's work on a run: records how it ended and gives the lease back.
-- KEYS[1] run    - hash of the run
-- KEYS[2] lease  - string, the token of the master in charge
-- KEYS[3] work   - stream that waiting workers block on
-- KEYS[4] events - stream of what happened
-- KEYS[5…] keys that are of no use afterwards
-- ARGV[1] epoch  - the caller's epoch
-- ARGV[2] status - finished, stopped or failed
-- ARGV[3] error  - one line that says why, or ''
-- returns 1 if recorded, -2 if another master has taken over (fenced)
local run, lease, work, events = unpack(KEYS)
local epoch, status, error = ARGV[1], ARGV[2], ARGV[3]

if redis.call('HGET', run, 'epoch') ~= epoch then
  return -2
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', run, 'status', status, 'error', error, 'ended', string.format('%.0f', now))
redis.call('DEL', lease)
for i = 5, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
-- Sends waiting workers home: there will be no next round.
redis.call('XADD', work, 'MAXLEN', '~', 100, '*', 'round', '')
redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', status, 'error', error)
-- The model and the history stay; what happened on the way is of use for a day.
redis.call('EXPIRE', work, 86400)
redis.call('EXPIRE', events, 86400)
return 1
