-- accept: stores the events of several requests. Each request is stored as a whole or not at all. An event whose type and key are
-- in flight or in the dedupe window is a duplicate and is not stored. An unmapped event is finished here: its key enters the dedupe
-- window, and it enters no lane. It follows redislua's base.lua and log_record.lua, and meta.lua, dedupe.lua and dead_letters.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens (unused)   KEYS[3] meta   KEYS[4] in-flight index   KEYS[5] log   KEYS[6] log index
-- KEYS[7] dead letters   KEYS[8] their progress   KEYS[9] their index
--   then for each event: its lane, and if the event has a fingerprint, its dedupe set for each bucket length
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] maximum number of unfinished events; 0: no limit
-- ARGV[3] the bucket lengths as stored in meta, as the caller knows them
-- ARGV[4] the current bucket length, ms; 0: no dedupe window   ARGV[5] how many lengths to search, then these lengths, ms; if there is
--   a window, the current one is the first
--   then for each request: the number of its events; for each event: ID, lane, fingerprint or "", dedupe member, event or "" if it
--   is unmapped
-- returns {"accepted", now, for each event: "accepted" | "full" | "finished" | ID of the unfinished event that it repeats}
--   | {"buckets", the bucket lengths as stored} if the caller does not know the current ones; nothing is stored
--   | {"out-of-memory", number of log records and dead letters deleted} if Redis is out of memory; no event is stored
--
-- A lane stores two elements for each event. The first is the time of its receipt, ms, and its fingerprint, or "-" if it has none:
-- should the event be unreadable, its key can still be removed from the in-flight index. The second is the event.
--
-- Why one script: the receiver answers 200 when this script returns. The event, its place in the schedule and its entry in the
-- in-flight index must then all be durable. If they were written in separate steps, a crash between two steps could lose an event
-- that is in a lane but not in the schedule, or let a repeated event through because its key is not in the index yet.
--
-- Not safe to repeat for events without a key: they would be stored twice. An event with a key is recognized as a duplicate. The
-- client therefore never repeats this script; the sender repeats the request.
--
-- Out of memory: Redis rejects the first RPUSH or SADD, before anything is stored. The script then deletes old log records and dead
-- letters, because events are more important than both, and the caller tries again.
local due, meta, in_flight = KEYS[1], KEYS[3], KEYS[4]
local limit, bucket_length, lengths = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now, depth, stored_lengths = read_meta(meta, ARGV[1], 'depth', 'slices')
local received_at = int(now)
depth = tonumber(depth or 0)
if (stored_lengths or '') ~= ARGV[3] then
  return {'buckets', stored_lengths or ''}
end
local suffixes = {}
for i = 1, lengths do
  suffixes[i] = live_suffixes(tonumber(ARGV[5 + i]), now)
end
local arg, key = 6 + lengths, 10 -- the next argument and key to read

local index_fields, schedule, count = {}, {}, 0 -- to be written at the end

-- unfinished: from the fingerprint of each event to the ID of the unfinished event that has it; also of events that this call stores.
local unfinished = {}

local function read_index()
  local fingerprints, at = {}, arg
  while at <= #ARGV do
    local n = tonumber(ARGV[at])
    for i = 1, n do
      fingerprints[#fingerprints + 1] = ARGV[at + 5 * i - 2]
    end
    at = at + 1 + 5 * n
  end
  for first = 1, #fingerprints, 1000 do -- Lua's unpack passes at most a few thousand values to one call
    local last = math.min(first + 999, #fingerprints)
    for i, id in ipairs(redis.call('HMGET', in_flight, unpack(fingerprints, first, last))) do
      unfinished[fingerprints[first + i - 1]] = id
    end
  end
end
read_index()

-- original: returns the ID of the unfinished event that has this fingerprint, 'finished' if a finished event in the dedupe window
-- has it, or nil. The event's dedupe sets are the KEYS after the given position.
local function original(fingerprint, member, position)
  if unfinished[fingerprint] then
    return unfinished[fingerprint]
  end
  for i = 1, lengths do
    if in_dedupe_set(KEYS[position + i], member, suffixes[i]) then
      return 'finished'
    end
  end
end

-- decide: reads the next n events, and returns the reply for each and lists of those to store and of those to finish. It writes
-- nothing, so that a rejected request changes nothing.
local function decide(n)
  local replies, new, unmapped, seen = {}, {}, {}, {}
  for i = 1, n do
    local fingerprint, wanted, reply = ARGV[arg + 2], ARGV[arg + 4] ~= '', nil
    if fingerprint ~= '' then
      reply = seen[fingerprint] or original(fingerprint, ARGV[arg + 3], key)
      seen[fingerprint] = reply or (wanted and ARGV[arg] or 'finished')
    end
    if not reply then
      local list = wanted and new or unmapped
      list[#list + 1] = {arg = arg, key = key}
    end
    replies[i] = reply or (wanted and 'accepted' or 'unmapped')
    key = key + 1 + (fingerprint ~= '' and lengths or 0)
    arg = arg + 5
  end
  return replies, new, unmapped
end

-- append: appends one event to its lane. It returns false if Redis is out of memory, which can happen only for the first event that
-- the script stores or finishes (see rejected_for_memory).
local function append(event)
  local id, lane, fingerprint = ARGV[event.arg], ARGV[event.arg + 1], ARGV[event.arg + 2]
  local received = received_at .. ' ' .. (fingerprint ~= '' and fingerprint or '-')
  if rejected_for_memory(redis.pcall('RPUSH', KEYS[event.key], received, ARGV[event.arg + 4])) then
    return false
  end
  if fingerprint ~= '' then
    unfinished[fingerprint] = id
    index_fields[#index_fields + 1], index_fields[#index_fields + 2] = fingerprint, id
  end
  schedule[#schedule + 1], schedule[#schedule + 2] = received_at, lane
  count = count + 1
  return true
end

-- finish: remembers the key of an unmapped event. It returns false if Redis is out of memory, as append does.
local function finish(event)
  if ARGV[event.arg + 2] == '' or bucket_length == 0 then
    return true
  end
  local bucket = math.floor(now / bucket_length)
  return add_to_dedupe_set(KEYS[event.key + 1], ARGV[event.arg + 3], bucket_length, bucket, now)
end

local reply = {'accepted', received_at}
while arg <= #ARGV do
  local n = tonumber(ARGV[arg])
  arg = arg + 1
  local replies, new, unmapped = decide(n)
  local full = limit > 0 and #new > 0 and depth + count + #new > limit
  for _, event in ipairs(full and {} or new) do
    if not append(event) then
      return {'out-of-memory', int(make_room(64))}
    end
  end
  for _, event in ipairs(full and {} or unmapped) do
    if not finish(event) then
      return {'out-of-memory', int(make_room(64))}
    end
  end
  for i = 1, n do
    reply[#reply + 1] = full and 'full' or replies[i]
  end
end

for i = 1, #index_fields, 1000 do
  redis.call('HSET', in_flight, unpack(index_fields, i, math.min(i + 999, #index_fields)))
end
for i = 1, #schedule, 1000 do
  redis.call('ZADD', due, 'NX', unpack(schedule, i, math.min(i + 999, #schedule))) -- NX: a lane that waits or is leased keeps its time
end
if count > 0 then
  redis.call('HINCRBY', meta, 'depth', count)
end
store_time(meta)
return reply
