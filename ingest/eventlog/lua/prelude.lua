-- prelude: what the scripts of the event log and of the inbox share.

-- int: a whole number as text; Lua's own way may use an exponent.
local function int(number)
  return string.format('%.0f', number)
end

-- clock: milliseconds since 1970; "" asks Redis.
local function clock(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- without_memory: true if a pcall was refused because Redis has no memory left; raises any other error.
local function without_memory(answer)
  if type(answer) ~= 'table' or not answer.err then
    return false
  end
  if string.find(answer.err, 'OOM', 1, true) then
    return true
  end
  error(answer.err)
end

-- forget: drop up to n of the oldest log records; returns how many.
local function forget(log, index, n)
  if n == 0 then
    return 0 -- miniredis would drop one
  end
  local oldest = redis.call('ZPOPMIN', index, int(n))
  for i = 1, #oldest, 2 do
    redis.call('HDEL', log, oldest[i])
  end
  return #oldest / 2
end

-- record: write one log record, then drop up to 16 that are too many and up to 16 that are too old (max, retention in ms; 0: any age).
-- Must be a script's first write: Redis checks its memory only then, and what follows must happen. When it has none left, the
-- log gives way to the events: eight old records make room for this one.
local function record(log, index, id, json, now, max, retention)
  if json ~= '' and max > 0 then
    if without_memory(redis.pcall('HSET', log, id, json)) then
      forget(log, index, 8)
      redis.call('HSET', log, id, json)
    end
    redis.call('ZADD', index, int(now), id)
  end
  local excess = redis.call('ZCARD', index) - max
  if excess > 0 then
    forget(log, index, math.min(excess, 16))
  end
  if retention > 0 then
    local old = redis.call('ZRANGEBYSCORE', index, '-inf', int(now - retention), 'LIMIT', 0, 16)
    forget(log, index, #old)
  end
end
