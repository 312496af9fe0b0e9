-- accept: stores the events of several requests. Each request is stored as a whole or not at all. An event whose type and key are
-- in flight or in the dedupe window is a duplicate and is not stored.
-- It follows redislua's log_record.lua and dedupe.lua.
--
-- KEYS[1] due   KEYS[2] in-flight index   KEYS[3] meta   KEYS[4] log   KEYS[5] log index
--   then for each event: its lane, and if the event has a fingerprint, its dedupe set for each bucket length
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] maximum number of unfinished events; 0: no limit
-- ARGV[3] the bucket lengths as stored in meta, as the caller knows them   ARGV[4] how many of them to search, then these lengths, ms
--   then for each request: the number of its events; for each event: ID, lane, fingerprint or "", dedupe member, event
-- returns {"accepted", now, for each event: "accepted" | "full" | "finished" | ID of the unfinished event that it repeats}
--   | {"buckets", the bucket lengths as stored} if the caller does not know the current ones; nothing is stored
--   | {"out-of-memory", number of log records deleted} if Redis is out of memory; no event is stored
--
-- Why one script: the receiver answers 200 when this script returns. The event, its place in the schedule and its entry in the
-- in-flight index must then all be durable. If they were written in separate steps, a crash between two steps could lose an event
-- that is in a lane but not in the schedule, or let a repeated event through because its key is not in the index yet.
--
-- Not safe to repeat for events without a key: they would be stored twice. An event with a key is recognized as a duplicate. The
-- client therefore never repeats this script; the sender repeats the request.
--
-- Out of memory: Redis rejects the first RPUSH, before anything is stored. The script then deletes old log records, because events
-- are more important than their log, and the caller tries again.
local due, in_flight, meta, log, log_index = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, limit, lengths = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local received_at = int(now)

local state = redis.call('HMGET', meta, 'depth', 'slices')
local depth = tonumber(state[1] or 0)
if (state[2] or '') ~= ARGV[3] then
  return {'buckets', state[2] or ''}
end
local suffixes = {}
for i = 1, lengths do
  suffixes[i] = live_suffixes(tonumber(ARGV[4 + i]), now)
end
local arg, key = 5 + lengths, 6 -- the next argument and key to read

local accepted_ids = {} -- fingerprint to the ID of the event that this call stores
local index_fields, schedule, count = {}, {}, 0 -- to be written at the end

-- original: returns the ID of the unfinished event that has this fingerprint, 'finished' if a finished event in the dedupe window
-- has it, or nil. The event's dedupe sets are the KEYS after the given position.
local function original(fingerprint, member, position)
  local id = accepted_ids[fingerprint] or redis.call('HGET', in_flight, fingerprint)
  if id then
    return id
  end
  for i = 1, lengths do
    if in_dedupe_set(KEYS[position + i], member, suffixes[i]) then
      return 'finished'
    end
  end
end

-- decide: reads the next n events, and returns the reply for each and a list of those to store. It writes nothing, so that a
-- rejected request changes nothing.
local function decide(n)
  local replies, new, seen = {}, {}, {}
  for i = 1, n do
    local fingerprint, reply = ARGV[arg + 2], nil
    if fingerprint ~= '' then
      reply = seen[fingerprint] or original(fingerprint, ARGV[arg + 3], key)
      seen[fingerprint] = reply or ARGV[arg]
    end
    if not reply then
      new[#new + 1] = {arg = arg, list = KEYS[key]}
    end
    replies[i] = reply or 'accepted'
    key = key + 1 + (fingerprint ~= '' and lengths or 0)
    arg = arg + 5
  end
  return replies, new
end

-- append: appends one event to its lane. It returns false if Redis is out of memory, which can happen only for the first event that
-- the script appends (see rejected_for_memory).
local function append(list, id, lane, fingerprint, event)
  if rejected_for_memory(redis.pcall('RPUSH', list, received_at, event)) then
    return false
  end
  if fingerprint ~= '' then
    accepted_ids[fingerprint] = id
    index_fields[#index_fields + 1], index_fields[#index_fields + 2] = fingerprint, id
  end
  schedule[#schedule + 1], schedule[#schedule + 2] = received_at, lane
  count = count + 1
  return true
end

local reply = {'accepted', received_at}
while arg <= #ARGV do
  local n = tonumber(ARGV[arg])
  arg = arg + 1
  local replies, new = decide(n)
  local full = limit > 0 and #new > 0 and depth + count + #new > limit
  for _, event in ipairs(full and {} or new) do
    local a = event.arg
    if not append(event.list, ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 4]) then
      return {'out-of-memory', int(drop_oldest_records(log, log_index, 64))}
    end
  end
  for i = 1, n do
    reply[#reply + 1] = full and 'full' or replies[i]
  end
end

-- Lua's unpack passes at most a few thousand values to one call.
for i = 1, #index_fields, 1000 do
  redis.call('HSET', in_flight, unpack(index_fields, i, math.min(i + 999, #index_fields)))
end
for i = 1, #schedule, 1000 do
  redis.call('ZADD', due, 'NX', unpack(schedule, i, math.min(i + 999, #schedule))) -- NX: a lane that waits or is leased keeps its time
end
if count > 0 then
  redis.call('HINCRBY', meta, 'depth', count)
end
return reply
