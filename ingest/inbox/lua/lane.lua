-- lane: a function that the scripts that finish an event share.

-- finish_first_event: removes the first event of a lane with its progress and ends the lease. If the lane has more events, it
-- becomes due now; otherwise it leaves the schedule. Returns the event's time of receipt, ms, and the event. Its first write frees
-- memory, so it also runs when Redis is out of memory.
local function finish_first_event(tokens, due, list, progress, meta, lane, now)
  redis.call('HDEL', tokens, lane)
  local received_at, event = redis.call('LPOP', list), redis.call('LPOP', list)
  redis.call('DEL', progress)
  redis.call('HINCRBY', meta, 'depth', -1)
  if redis.call('EXISTS', list) == 1 then
    redis.call('ZADD', due, int(now), lane)
  else
    redis.call('ZREM', due, lane)
  end
  return received_at, event
end
