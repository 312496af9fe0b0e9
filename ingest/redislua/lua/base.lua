-- base: functions that scripts of several packages use. Go code puts this text in front of each script.

-- int: returns a whole number as text. Lua's own conversion may write large numbers with an exponent, which Redis
-- rejects.
local function int(number)
  return string.format('%d', number)
end

-- clock: returns the time in milliseconds since 1970. An empty argument reads Redis's clock, so that all processes
-- share one clock; a test passes a time instead.
local function clock(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- rejected_for_memory: reports whether Redis rejected a command that was run with redis.pcall because it is out of
-- memory. It raises any other error.
--
-- Redis checks its memory for a script's first write only. When Redis is over maxmemory, a command that may need memory
-- (RPUSH, HSET, ZADD, SET) fails if it is the first write. A command that frees memory (HDEL, ZREM, DEL, LTRIM) is
-- always allowed, and after one write of any kind Redis lets every later command of the script pass. Scripts that must
-- run when Redis is out of memory, such as those that finish events, therefore begin with a command that frees memory.
local function rejected_for_memory(reply)
  if type(reply) ~= 'table' or not reply.err then
    return false
  end
  if string.find(reply.err, 'OOM', 1, true) then
    return true
  end
  error(reply.err)
end
