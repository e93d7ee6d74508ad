-- What every script begins with: it is put before each of them.
-- No function here names a key of its own.

-- Returns the time in ms since 1970.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Writes a whole number that is too large for Lua's own way.
local function whole(number)
  return string.format('%.0f', number)
end

-- Parts a text at its spaces.
local function words(text)
  local list = {}
  for word in string.gmatch(text, '%S+') do list[#list + 1] = word end
  return list
end

-- Calls a command on a key with a list of arguments, a thousand at a time, since Lua's stack holds
-- no more than 8,000; returns the sum of its answers, and the list of them where they are lists.
local function spread(command, key, list)
  local sum, answers = 0, {}
  for first = 1, #list, 1000 do
    local answer = redis.call(command, key, unpack(list, first, math.min(first + 999, #list)))
    if type(answer) == 'table' then
      for i = 1, #answer do answers[first + i - 1] = answer[i] end
    else
      sum = sum + answer
    end
  end
  return sum, answers
end

-- Adds an entry to a stream; what can't be one any more, since a stranger has written to it the
-- last id that there is or something else, starts anew.
local function tell(stream, most, ...)
  local answer = redis.pcall('XADD', stream, 'MAXLEN', '~', most, '*', ...)
  if type(answer) == 'table' and answer.err then
    if not (string.find(answer.err, 'exhausted') or string.find(answer.err, 'WRONGTYPE')) then
      -- As it came: a text would get a place before it, and the server's word would not be first.
      error(answer)
    end
    redis.call('UNLINK', stream)
    redis.call('XADD', stream, 'MAXLEN', '~', most, '*', ...)
  end
end

-- Adds to a number of a run's, if the run has some; what a stranger has put there is left. It is
-- written as it is to be: of what is cut off in its file, a server may do the beginning twice.
local function tally(counts, what, number)
  local before = redis.call('EXISTS', counts) == 1 and (redis.pcall('HGET', counts, what) or 0)
  before = type(before) ~= 'table' and tonumber(before)
  if before and before < 2^53 then redis.call('HSET', counts, what, whole(before + number)) end
end

-- Removes keys that are of another kind: slaves may write to them.
local function keep(kind, ...)
  for _, key in ipairs({...}) do
    local found = redis.call('TYPE', key).ok
    if found ~= kind and found ~= 'none' then redis.call('UNLINK', key) end
  end
end

-- Sees that a master is still in charge of a run; else returns what to answer: -2 if another
-- master has taken over, -3 if the run is gone, and its number in the sequence as it stands, which
-- shows if the run has gone back in time.
local function refusal(run, token)
  local known = redis.call('HMGET', run, 'master', 'sequence', 'config')
  if known[1] ~= token then return {known[3] and -2 or -3, tonumber(known[2]) or 0} end
  assert(tonumber(known[2] or 0), 'a run without a sequence')
end

-- Numbers what a master does, and returns its answer with that before it. In the end: of a script
-- that is cut off in its file, a server may do the first commands alone when it starts once more,
-- and that must not count as done.
local function numbered(run, ...)
  return {redis.call('HINCRBY', run, 'sequence', 1), ...}
end

-- Makes a run's state what its newest commit says, of which a server may have done the first
-- commands alone.
local function settle(last, run, history)
  local told = redis.call('GET', last)
  if told then
    told = cjson.decode(told)
    for field, value in pairs(cjson.decode(told[1])) do redis.call('HSET', run, field, value) end
    for _, entry in ipairs(told[2]) do redis.call('HSET', history, entry[1], entry[2]) end
  end
end
