-- Prolongs the master's lease. One that ran out while nobody else took over is taken up again.
-- KEYS[1] run   - hash of the run
-- KEYS[2] lease - string, the token of the master in charge
-- ARGV[1] epoch  - the caller's epoch
-- ARGV[2] token  - the caller's token
-- ARGV[3] ttl_ms - how long the lease lasts from now
-- returns 1 if renewed, -2 if another master has taken over (fenced)
local run, lease = KEYS[1], KEYS[2]
local epoch, token, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])

if redis.call('HGET', run, 'epoch') ~= epoch then
  return -2
end
redis.call('SET', lease, token, 'PX', ttl)
return 1
