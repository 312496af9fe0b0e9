-- accept: take requests in, each whole or not at all, and name the earlier events that theirs repeat.
-- KEYS[1] due   KEYS[2] pending   KEYS[3] meta   KEYS[4] log   KEYS[5] log index
--   then for each event: its lane, and if it has a fingerprint, its remembered set for each slice length
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] unfinished events at most; 0: any number
-- ARGV[3] the slice lengths, as the caller knows them   ARGV[4] how many of them are looked up, then these, ms
--   then for each request: number of its events; for each: ID, lane, fingerprint or "", member, event
-- returns {"accepted", now, for each event: "accepted" | "full" | "finished" | ID of the unfinished event that it repeats}
--   | {"slices", the lengths as they are} | {"memory", how many log records gave way}; these two changed no event
local due, pending, meta, log, logindex = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, limit, lengths = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local at = int(now)

local state = redis.call('HMGET', meta, 'depth', 'slices')
local depth = tonumber(state[1] or 0)
if (state[2] or '') ~= ARGV[3] then
  return {'slices', state[2] or ''}
end
local endings = {}
for i = 1, lengths do
  endings[i] = live(tonumber(ARGV[4 + i]), now)
end
local arg, key = 5 + lengths, 6

local holders = {} -- fingerprint to the ID of the event that this call took
local fields, schedule, count = {}, {}, 0

-- earlier: the word for an event that repeats another; its remembered sets are the KEYS after the given one.
local function earlier(fingerprint, member, key)
  local id = holders[fingerprint] or redis.call('HGET', pending, fingerprint)
  if id then
    return id
  end
  for i = 1, lengths do
    if remembered(KEYS[key + i], member, endings[i]) then
      return 'finished'
    end
  end
end

-- decide: the words for the next n events, and those of them to take.
local function decide(n)
  local words, taken, seen = {}, {}, {}
  for i = 1, n do
    local fingerprint, word = ARGV[arg + 2], nil
    if fingerprint ~= '' then
      word = seen[fingerprint] or earlier(fingerprint, ARGV[arg + 3], key)
      seen[fingerprint] = word or ARGV[arg]
    end
    if not word then
      taken[#taken + 1] = {arg = arg, list = KEYS[key]}
    end
    words[i] = word or 'accepted'
    key = key + 1 + (fingerprint ~= '' and lengths or 0)
    arg = arg + 5
  end
  return words, taken
end

-- take: append one event to its lane; false if Redis has no memory left, which it only says to a script's first write.
local function take(list, id, lane, fingerprint, body)
  if without_memory(redis.pcall('RPUSH', list, at, body)) then
    return false
  end
  if fingerprint ~= '' then
    holders[fingerprint] = id
    fields[#fields + 1], fields[#fields + 2] = fingerprint, id
  end
  schedule[#schedule + 1], schedule[#schedule + 2] = at, lane
  count = count + 1
  return true
end

local reply = {'accepted', at}
while arg <= #ARGV do
  local n = tonumber(ARGV[arg])
  arg = arg + 1
  local words, taken = decide(n)
  local full = limit > 0 and #taken > 0 and depth + count + #taken > limit
  for _, event in ipairs(full and {} or taken) do
    local a = event.arg
    if not take(event.list, ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 4]) then
      return {'memory', int(forget(log, logindex, 64))}
    end
  end
  for i = 1, n do
    reply[#reply + 1] = full and 'full' or words[i]
  end
end

-- Lua cannot pass more than some thousand arguments.
for i = 1, #fields, 1000 do
  redis.call('HSET', pending, unpack(fields, i, math.min(i + 999, #fields)))
end
for i = 1, #schedule, 1000 do
  redis.call('ZADD', due, 'NX', unpack(schedule, i, math.min(i + 999, #schedule)))
end
if count > 0 then
  redis.call('HINCRBY', meta, 'depth', count)
end
return reply
