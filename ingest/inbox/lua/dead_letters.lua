-- dead_letters: functions that store and delete dead letters. They use these keys of the script behind the prelude:
-- KEYS[3] meta, KEYS[5] log, KEYS[6] log index, KEYS[7] dead letters, KEYS[8] progress of dead letters, KEYS[9] dead
-- letter index, KEYS[10] minor log, KEYS[11] minor log index. Field deadbytes of meta is the size of all dead letters in
-- bytes. Field deaddropped counts those that were deleted because of a limit or to free memory.
-- Prelude: base.lua and log_record.lua of redislua.

-- dead_letter_size: returns the number of bytes that a dead letter adds to deadbytes. An ID is stored three times.
local function dead_letter_size(id, event_size, progress_size)
  return 3 * #id + event_size + progress_size
end

-- add_dead_letter: stores an event with its progress. In event, the time of receipt precedes the event itself. It
-- replaces a dead letter with the same ID.
local function add_dead_letter(id, event, progress, now)
  local size = dead_letter_size(id, #event, #progress)
  if redis.call('ZADD', KEYS[9], int(now), id) == 0 then
    size = size - dead_letter_size(id, redis.call('HSTRLEN', KEYS[7], id), redis.call('HSTRLEN', KEYS[8], id))
  end
  redis.call('HSET', KEYS[7], id, event)
  redis.call('HSET', KEYS[8], id, progress)
  redis.call('HINCRBY', KEYS[3], 'deadbytes', int(size))
end

-- delete_dead_letters: deletes the dead letters with these IDs. The caller has already removed the IDs from the index.
local function delete_dead_letters(ids)
  local size = 0
  for _, id in ipairs(ids) do
    size = size + dead_letter_size(id, redis.call('HSTRLEN', KEYS[7], id), redis.call('HSTRLEN', KEYS[8], id))
    redis.call('HDEL', KEYS[7], id)
    redis.call('HDEL', KEYS[8], id)
  end
  return redis.call('HINCRBY', KEYS[3], 'deadbytes', int(-size))
end

-- drop_dead_letters: deletes up to n of the oldest dead letters and returns how many it deleted.
local function drop_dead_letters(n)
  local oldest, ids = redis.call('ZPOPMIN', KEYS[9], int(n)), {}
  for i = 1, #oldest, 2 do
    ids[#ids + 1] = oldest[i]
  end
  if #ids > 0 then
    delete_dead_letters(ids)
    redis.call('HINCRBY', KEYS[3], 'deaddropped', #ids)
  end
  return #ids
end

-- bound_dead_letters: deletes the oldest dead letters until no limit is exceeded, but at most 200 for each limit, so that
-- the script stays short. It returns how many it deleted.
local function bound_dead_letters(max, retention, max_bytes, now)
  local deleted = 0
  local excess = math.min(redis.call('ZCARD', KEYS[9]) - max, 200)
  if max > 0 and excess > 0 then
    deleted = drop_dead_letters(excess)
  end
  if retention > 0 then
    local old = redis.call('ZRANGEBYSCORE', KEYS[9], '-inf', int(now - retention), 'LIMIT', 0, 200)
    if #old > 0 then
      deleted = deleted + drop_dead_letters(#old)
    end
  end
  for _ = 1, 200 do
    local size = tonumber(redis.call('HGET', KEYS[3], 'deadbytes') or 0)
    if max_bytes == 0 or size <= max_bytes or drop_dead_letters(1) == 0 then
      break
    end
    deleted = deleted + 1
  end
  return deleted
end

-- oldest: returns the time of the first entry of an index, or infinity if the index is empty.
local function oldest(index)
  local first = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2]) or math.huge
end

-- make_room: deletes records of the event log and dead letters, at least n if that many exist, to free memory for
-- events. It deletes minor records first, and then the oldest of the others and of the dead letters. It returns how many
-- it deleted.
local function make_room(n)
  local deleted = drop_oldest_records(KEYS[10], KEYS[11], n)
  while deleted < n do
    local record, letter = oldest(KEYS[6]), oldest(KEYS[9])
    if record == math.huge and letter == math.huge then
      break
    end
    if record <= letter then
      deleted = deleted + drop_oldest_records(KEYS[5], KEYS[6], 8)
    else
      deleted = deleted + drop_dead_letters(8)
    end
  end
  return deleted
end
