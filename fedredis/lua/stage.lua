-- Writes parts of a list aside, which another script is to move: it ends by itself if none does.
-- What is sent twice takes its own place again.
-- KEYS[1] staged - list
-- ARGV[1] before - how many parts come before these
-- ARGV[2] ttl_ms - how long it is there
-- ARGV[3…] the parts
-- returns how many there are
local staged = KEYS[1]
local before, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])

local parts = {}
for i = 3, #ARGV do parts[i - 2] = ARGV[i] end
if before == 0 then
  -- Written first, so that its removal is in the server's file, too: of a script that is cut off
  -- there, a server may do the first commands twice, and the parts would be there twice.
  redis.call('SET', staged, '')
  redis.call('UNLINK', staged)
end
redis.call('LTRIM', staged, 0, before - 1)
spread('RPUSH', staged, parts)
redis.call('PEXPIRE', staged, ttl)
return redis.call('LLEN', staged)
