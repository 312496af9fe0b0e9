-- log_record: writes the event log. It follows base.lua.

-- drop_oldest_records: deletes up to n of the oldest log records and returns how many it deleted.
local function drop_oldest_records(log, index, n)
  if n == 0 then
    return 0 -- Redis's ZPOPMIN with a count of 0 deletes nothing, but miniredis would delete one
  end
  local oldest = redis.call('ZPOPMIN', index, int(n))
  for i = 1, #oldest, 2 do
    redis.call('HDEL', log, oldest[i])
  end
  return #oldest / 2
end

-- write_record: writes one log record, replacing an earlier one with the same event ID. Then it deletes up to 16 records beyond the
-- maximum and up to 16 that are older than the retention (ms; 0: records of any age are kept). Bounded steps keep each script
-- short; as every write may delete more than it adds, the log still shrinks to its limits.
--
-- It must be a script's first write, because it handles a Redis that is out of memory (see rejected_for_memory). Events are more
-- important than their log, so eight old records make room for this one. Redis accepts the second HSET even if the log had no
-- record to delete, because ZPOPMIN counts as the script's first write.
local function write_record(log, index, id, json, now, max, retention)
  if json ~= '' and max > 0 then
    if rejected_for_memory(redis.pcall('HSET', log, id, json)) then
      drop_oldest_records(log, index, 8)
      redis.call('HSET', log, id, json)
    end
    redis.call('ZADD', index, int(now), id)
  end
  local excess = redis.call('ZCARD', index) - max
  if excess > 0 then
    drop_oldest_records(log, index, math.min(excess, 16))
  end
  if retention > 0 then
    local old = redis.call('ZRANGEBYSCORE', index, '-inf', int(now - retention), 'LIMIT', 0, 16)
    drop_oldest_records(log, index, #old)
  end
end
