-- log_record: functions that write the event log. Go code puts base.lua in front of this text.

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

-- write_records: writes at most 250 log records. records is a list of event IDs and records, alternating. A record
-- replaces an earlier record with the same event ID. If the log then has more than max records, write_records deletes
-- the oldest ones, but at most 16 more than it has written, so that each script is short. It can delete more than it
-- adds, so the log shrinks to its maximum over several writes. sweep.lua enforces the retention.
--
-- It must be a script's first write, because it handles a Redis that is out of memory (see rejected_for_memory). Events
-- are more important than their log, so write_records deletes eight old records for each new one. It calls make_room
-- for that, or drop_oldest_records if make_room is nil. Redis accepts the second HSET even if there was nothing to
-- delete, because HDEL counts as the script's first write.
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
