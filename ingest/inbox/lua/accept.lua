-- accept: stores the events of several requests. The script stores each request as a whole or not at all. An event
-- whose type and key are in flight or in the dedupe window is a duplicate, and the script does not store it. The script
-- finishes an unmapped event at once: it adds the key to the dedupe window and the record to the minor section of the
-- event log, and the event to no lane.
-- Prelude: base.lua and log_record.lua of redislua; meta.lua, layouts.lua, dedupe.lua, dead_letters.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens (unused)   KEYS[3] meta   KEYS[4] in-flight index
-- KEYS[5] log   KEYS[6] log index
-- KEYS[7] dead letters   KEYS[8] progress of dead letters   KEYS[9] dead letter index
-- KEYS[10] minor log   KEYS[11] minor log index
--   then for each event: its lane unless it is unmapped, and if it has a fingerprint, its dedupe set for each layout
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] maximum number of unfinished events; 0: no limit
-- ARGV[3], ARGV[4] the fields slices and layouts that the caller believes to be stored in meta
-- ARGV[5] number of dedupe sets of a new shard   ARGV[6] maximum number of minor log records
-- ARGV[7] number of layouts to search   ARGV[8] number of fingerprints
--   then for each layout: bucket length, ms, number of sets; the current layout is the first unless its length is 0
--   then the fingerprints of all events that have one, in the order of the events
--   then for each request: the number of its events; for each event: ID, lane or "" if it is unmapped, dedupe member
--   or "" if it has no fingerprint, event or, if it is unmapped, log record or ""
-- returns {"accepted", now, for each event: "accepted" | "unmapped" | "full"
--     | "finished" if a finished event has its key | ID of the unfinished event that has its key}
--   | {"layouts", slices, layouts} if these fields differ from ARGV[3] and ARGV[4]; the script stores nothing
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
local limit, searched, with_fingerprint = tonumber(ARGV[2]), tonumber(ARGV[7]), tonumber(ARGV[8])
local now, depth, slices, layouts = read_meta(meta, ARGV[1], 'depth', 'slices', 'layouts')
if (slices or '') ~= ARGV[3] or (layouts or '') ~= ARGV[4] then
  return {'layouts', slices or '', layouts or ''}
end
depth = tonumber(depth or 0)
local received_at, layout, live = int(now), parse_layouts(layouts)[1], {}
for i = 1, searched do
  live[i] = live_buckets({length = tonumber(ARGV[7 + 2 * i]), sets = tonumber(ARGV[8 + 2 * i])}, now)
end

-- The positions before the next fingerprint, argument and key to read.
local fingerprint_at = 8 + 2 * searched
local arg_at, key_at = fingerprint_at + with_fingerprint, 11

-- unfinished: maps a fingerprint to the ID of the unfinished event that has it, including events that this call stores.
local unfinished = {}
for first = fingerprint_at + 1, arg_at, 1000 do -- Lua's unpack passes at most a few thousand values to one call
  local ids = redis.call('HMGET', in_flight, unpack(ARGV, first, math.min(first + 999, arg_at)))
  for i = 1, #ids do
    unfinished[ARGV[first + i - 1]] = ids[i]
  end
end

-- finished: reports whether the key of a finished event is in the dedupe window. The dedupe sets of the event are the
-- KEYS after the given position.
local function finished(member, position)
  for i = 1, searched do
    if in_dedupe_set(KEYS[position + i], member, live[i]) then
      return true
    end
  end
end

local reply = {'accepted', received_at}

-- decide: adds the replies for the next n events, and returns how many events there are to store. It writes nothing, so
-- that a rejected request changes nothing.
local function decide(n)
  local fingerprint, key, to_store, seen = fingerprint_at, key_at, 0, n > 1 and {}
  for arg = arg_at + 1, arg_at + 4 * n, 4 do
    local wanted, member, word = ARGV[arg + 1] ~= '', ARGV[arg + 2], nil
    if wanted then
      key = key + 1
    end
    if member ~= '' then
      fingerprint = fingerprint + 1
      local name = ARGV[fingerprint]
      word = unfinished[name] or seen and seen[name] or finished(member, key) and 'finished'
      if seen then
        seen[name] = word or (wanted and ARGV[arg] or 'finished')
      end
      key = key + searched
    end
    if not word then
      word = wanted and 'accepted' or 'unmapped'
      to_store = to_store + (wanted and 1 or 0)
    end
    reply[#reply + 1] = word
  end
  return to_store
end

local index_fields, schedule, records, count = {}, {}, {}, 0 -- to be written at the end

-- append: appends one event to its lane. It returns false if Redis is out of memory, which can happen only for the
-- first event that the script stores or finishes (see rejected_for_memory).
local function append(lane, arg, fingerprint)
  local received = received_at .. ' ' .. (fingerprint or '-')
  if rejected_for_memory(redis.pcall('RPUSH', lane, received, ARGV[arg + 3])) then
    return false
  end
  count = count + 1
  schedule[2 * count - 1], schedule[2 * count] = received_at, ARGV[arg + 1]
  if fingerprint then
    local i = #index_fields
    index_fields[i + 1], index_fields[i + 2] = fingerprint, ARGV[arg]
    unfinished[fingerprint] = ARGV[arg]
  end
  return true
end

-- finish: adds the key of an unmapped event to the dedupe window. Like append, it returns false if Redis is out of
-- memory.
local function finish(set, arg)
  if ARGV[arg + 3] ~= '' then
    local i = #records
    records[i + 1], records[i + 2] = ARGV[arg], ARGV[arg + 3]
  end
  if ARGV[arg + 2] == '' or layout.length == 0 then
    return true
  end
  return add_to_dedupe_set(set, ARGV[arg + 2], layout, math.floor(now / layout.length), now)
end

-- apply: stores or finishes those of the next n events whose replies say so. Their replies follow the given position.
-- If the request is rejected, it replaces the replies. It returns false if Redis is out of memory.
local function apply(n, position, rejected)
  for i = position + 1, position + n do
    local lane, fingerprint, done = nil, nil, true
    local arg = arg_at + 1
    if ARGV[arg + 1] ~= '' then
      key_at = key_at + 1
      lane = KEYS[key_at]
    end
    if ARGV[arg + 2] ~= '' then
      fingerprint_at = fingerprint_at + 1
      fingerprint = ARGV[fingerprint_at]
    end
    if rejected then
      reply[i] = 'full'
    elseif reply[i] == 'accepted' then
      done = append(lane, arg, fingerprint)
    elseif reply[i] == 'unmapped' then
      done = finish(KEYS[key_at + 1], arg)
    end
    if not done then
      return false
    end
    key_at = key_at + (fingerprint and searched or 0)
    arg_at = arg_at + 4
  end
  return true
end

while arg_at < #ARGV do
  arg_at = arg_at + 1
  local n, position = tonumber(ARGV[arg_at]), #reply
  local to_store = decide(n)
  if not apply(n, position, limit > 0 and to_store > 0 and depth + count + to_store > limit) then
    return {'out-of-memory', int(make_room(64))}
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
for i = 1, #records, 500 do
  local part = {unpack(records, i, math.min(i + 499, #records))}
  write_records(KEYS[10], KEYS[11], part, now, tonumber(ARGV[6]))
end
adapt_layout(meta, slices, layouts, layout, tonumber(ARGV[5]), now)
store_time(meta)
return reply
