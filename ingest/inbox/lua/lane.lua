-- lane: what the scripts that end a claim share. It follows the event log's prelude.

-- advance: take the first event off a lane, with its claim and progress, and put the lane on the schedule if it has more.
-- Returns the time of its receipt, in ms, and the event. Starts with a write that Redis allows when it has no memory left.
local function advance(claims, due, list, progress, meta, lane, now)
  redis.call('HDEL', claims, lane)
  local at, event = redis.call('LPOP', list), redis.call('LPOP', list)
  redis.call('DEL', progress)
  redis.call('HINCRBY', meta, 'depth', -1)
  if redis.call('EXISTS', list) == 1 then
    redis.call('ZADD', due, int(now), lane)
  else
    redis.call('ZREM', due, lane)
  end
  return at, event
end
