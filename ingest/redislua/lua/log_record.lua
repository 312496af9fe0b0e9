-- log_record: writes the event log. It follows base.lua.

-- drop_oldest_records: deletes up to n of the oldest log records, at most 1,000 at a time, and returns how many it
-- deleted.
local function drop_oldest_records(log, index, n)
  if n <= 0 then
    return 0 -- Redis's ZPOPMIN with a count of 0 deletes nothing, but miniredis would delete one
  end
  local oldest, ids = redis.call('ZPOPMIN', index, int(math.min(n, 1000))), {}
  for i = 1, #oldest, 2 do
    ids[#ids + 1] = oldest[i]
  end
  if #ids > 0 then
    redis.call('HDEL', log, unpack(ids))
  end
  return #ids
end

-- write_records: writes log records, at most 250. Each replaces an earlier one with the same event ID. records is a
-- list of event ID and record in turn. Then it deletes up to 16 records more than it has written, if the log has more
-- than the maximum. Bounded steps keep each script short; as every write may delete more than it adds, the log still
-- shrinks to its maximum. sweep.lua enforces the retention.
--
-- It must be a script's first write, because it handles a Redis that is out of memory (see rejected_for_memory). Events
-- are more important than their log, so eight old records make room for each new one. make_room deletes them; if it is
-- nil, drop_oldest_records does. Redis accepts the second HSET even if there was nothing to delete, because HDEL counts
-- as the script's first write.
local function write_records(log, index, records, now, max, make_room)
  local n = #records / 2
  if n > 0 and max > 0 then
    if rejected_for_memory(redis.pcall('HSET', log, unpack(records))) then
      redis.call('HDEL', log, '')
      if make_room then
        make_room(8 * n)
      else
        drop_oldest_records(log, index, 8 * n)
      end
      redis.call('HSET', log, unpack(records))
    end
    local times, score = {}, int(now)
    for i = 1, #records, 2 do
      times[#times + 1], times[#times + 2] = score, records[i]
    end
    redis.call('ZADD', index, unpack(times))
  end
  drop_oldest_records(log, index, math.min(redis.call('ZCARD', index) - max, n + 16))
end
