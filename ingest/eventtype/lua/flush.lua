-- flush: adds the counts of a process to the event types of a source. Catalog puts redislua.Base in front of this text.
-- KEYS[1] event types: a hash from "=" and the type to "COUNT FIRST LAST LENGTH SAMPLE", and from "others" to the count
--   of all other events
-- KEYS[2] index: types by the time at which they were last seen, ms
-- ARGV[1] maximum number of types   ARGV[2] time without an event, ms, after which another type may replace a type
-- ARGV[3] count of other events
--   then for each type: the type, its count, first and last time, ms, the length of its latest sample, and the sample;
--   an empty sample keeps the earlier one
-- returns {"done", the types that are counted among the others because there was no room for them}
-- Not safe to repeat: the counts would be added twice.
-- Out of memory: Redis rejects the first write of a script, so the script changes nothing.
local types, index = KEYS[1], KEYS[2]
local max, unseen, others = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- make_room: reports whether the source can have one more type. It may remove the type that has not been seen for the
-- longest time.
local function make_room(now)
  if redis.call('ZCARD', index) < max then
    return true
  end
  local oldest = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
  if tonumber(oldest[2]) > now - unseen then
    return false
  end
  redis.call('ZREM', index, oldest[1])
  redis.call('HDEL', types, '=' .. oldest[1])
  return true
end

local reply = {'done'}
for i = 4, #ARGV, 6 do
  local name, count, first, last = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local length, sample = ARGV[i + 4], ARGV[i + 5]
  local record = redis.call('HGET', types, '=' .. name)
  if record then
    local old_count, old_first, old_last, old_length, old_sample = string.match(record, '^(%d+) (%d+) (%d+) (%d+) (.*)$')
    count, first, last = count + old_count, math.min(first, tonumber(old_first)), math.max(last, tonumber(old_last))
    if sample == '' then
      length, sample = old_length, old_sample
    end
  end
  if record or make_room(last) then
    redis.call('HSET', types, '=' .. name, table.concat({int(count), int(first), int(last), length, sample}, ' '))
    redis.call('ZADD', index, int(last), name)
  else
    others = others + count
    reply[#reply + 1] = name
  end
end
if others > 0 then
  redis.call('HINCRBY', types, 'others', int(others))
end
return reply
