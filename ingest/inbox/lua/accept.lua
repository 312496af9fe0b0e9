-- accept: stores the events of several requests. The script stores each request as a whole or not at all. An event
-- whose type and key are in flight or in the dedupe window is a duplicate, and the script does not store it. The script
-- finishes an unmapped event at once: it adds the key to the dedupe window and the event to no lane.
-- Prelude: base.lua and log_record.lua of redislua; meta.lua, dedupe.lua, dead_letters.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens (unused)   KEYS[3] meta   KEYS[4] in-flight index
-- KEYS[5] log   KEYS[6] log index
-- KEYS[7] dead letters   KEYS[8] progress of dead letters   KEYS[9] dead letter index
--   then for each event: its lane, and if the event has a fingerprint, its dedupe set for each bucket length
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] maximum number of unfinished events; 0: no limit
-- ARGV[3] the bucket lengths that the caller believes to be stored in meta
-- ARGV[4] the current bucket length, ms; 0: no dedupe window
-- ARGV[5] number of bucket lengths to search, then these lengths, ms; the current one is the first if it is not 0
--   then for each request: the number of its events; for each event: ID, lane, fingerprint or "", dedupe member,
--   event or "" if it is unmapped
-- returns {"accepted", now, for each event: "accepted" | "unmapped" | "full"
--     | "finished" if a finished event has its key | ID of the unfinished event that has its key}
--   | {"buckets", the stored bucket lengths} if they differ from ARGV[3]; the script stores nothing
--   | {"out-of-memory", number of log records and dead letters deleted} if Redis is out of memory; the script stores
--     no event
--
-- A lane stores two elements for each event. The first contains the time of receipt, ms, and the fingerprint, or "-" if
-- the event has none. With the fingerprint, Doorbell can remove the key from the in-flight index even if it cannot
-- decode the event. The second element is the event.
--
-- Why one script: the receiver answers 200 when this script returns. The event, its place in the schedule and its entry
-- in the in-flight index must then all be durable. With separate steps, a crash between two steps could leave an event
-- in a lane that is not in the schedule, so that no worker delivers it. Or Doorbell could accept a repeated event,
-- because its key is not in the index yet.
--
-- Not safe to repeat: a second run would store events without a key twice. It recognizes events with a key as
-- duplicates. The client therefore never repeats this script after a lost reply. The sender repeats the request.
--
-- Out of memory: Redis rejects the first RPUSH or SADD, before the script has stored an event. The script then deletes
-- old log records and dead letters, because events are more important than both. If it deleted any, the caller calls
-- the script again.
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

-- unfinished: maps a fingerprint to the ID of the unfinished event that has it, including events that this call stores.
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

-- original: returns the ID of the unfinished event that has this fingerprint, 'finished' if a finished event in the
-- dedupe window has it, or nil. The dedupe sets of the event are the KEYS after the given position.
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

-- decide: reads the next n events. It returns the reply for each event, the list of events to store, and the list of
-- events to finish. It writes nothing, so that a rejected request changes nothing.
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

-- append: appends one event to its lane. It returns false if Redis is out of memory, which can happen only for the
-- first event that the script stores or finishes (see rejected_for_memory).
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

-- finish: adds the key of an unmapped event to the dedupe window. Like append, it returns false if Redis is out of
-- memory.
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
  -- NX: a lane that is already scheduled keeps its time.
  redis.call('ZADD', due, 'NX', unpack(schedule, i, math.min(i + 999, #schedule)))
end
if count > 0 then
  redis.call('HINCRBY', meta, 'depth', count)
end
store_time(meta)
return reply
