-- accept: take requests in, each whole or not at all, and name the earlier events that theirs repeat.
-- KEYS[1] due   KEYS[2] pending   KEYS[3] meta   KEYS[4] log   KEYS[5] log index
--   then for each event: its lane, and if it has a fingerprint, for each slice length the remembered sets of ten slices: from
--   eight before the current one to one after it (the clock may have gone back a little)
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] unfinished events at most; 0: any number
-- ARGV[3] the slice lengths, as the caller knows them   ARGV[4] how many of them are looked up
--   then for each of these: length, ms; number of its current slice
--   then for each request: number of its events; for each: ID, lane, fingerprint or "", member, event
-- returns {"accepted", now, for each event: "accepted" | "full" | "finished" | ID of the unfinished event that it repeats}
--   | {"slices", the lengths as they are} | {"clock", now} | {"memory", how many log records gave way}; these three changed no event
local due, pending, meta, log, logindex = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, limit, lengths = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])

local state = redis.call('HMGET', meta, 'depth', 'slices')
local depth = tonumber(state[1] or 0)
if (state[2] or '') ~= ARGV[3] then
  return {'slices', state[2] or ''}
end
local arg, key = 5, 6
for _ = 1, lengths do
  if math.floor(now / tonumber(ARGV[arg])) ~= tonumber(ARGV[arg + 1]) then
    return {'clock', int(now)}
  end
  arg = arg + 2
end

-- earlier: the word for an event whose key is known already; sets are the KEYS from first to last.
local function earlier(fingerprint, member, first, last)
  local id = redis.call('HGET', pending, fingerprint)
  if id then
    return id
  end
  for i = first, last do
    if redis.call('SISMEMBER', KEYS[i], member) == 1 then
      return 'finished'
    end
  end
end

-- decide: the words for the events of one request, and those of them to take.
local function decide(n)
  local words, taken, seen = {}, {}, {}
  for i = 1, n do
    local event = {id = ARGV[arg], lane = ARGV[arg + 1], fingerprint = ARGV[arg + 2], body = arg + 4, list = key}
    local word
    if event.fingerprint ~= '' then
      word = seen[event.fingerprint] or earlier(event.fingerprint, ARGV[arg + 3], key + 1, key + 10 * lengths)
      seen[event.fingerprint] = word or event.id
      key = key + 10 * lengths
    end
    if not word then
      taken[#taken + 1] = event
    end
    words[i] = word or 'accepted'
    arg, key = arg + 5, key + 1
  end
  return words, taken
end

local written = false

-- take: store one event; false if Redis has no memory left, which it only says to a script's first write.
local function take(event)
  local entry = int(now) .. ' ' .. ARGV[event.body]
  if written then
    redis.call('RPUSH', KEYS[event.list], entry)
  elseif without_memory(redis.pcall('RPUSH', KEYS[event.list], entry)) then
    return false
  end
  written = true
  if event.fingerprint ~= '' then
    redis.call('HSET', pending, event.fingerprint, event.id)
  end
  redis.call('ZADD', due, 'NX', int(now), event.lane)
  return true
end

local reply = {'accepted', int(now)}
while arg <= #ARGV do
  local n = tonumber(ARGV[arg])
  arg = arg + 1
  local words, taken = decide(n)
  local full = limit > 0 and #taken > 0 and depth + #taken > limit
  if not full and #taken > 0 then
    for _, event in ipairs(taken) do
      if not take(event) then
        return {'memory', int(forget(log, logindex, 64))}
      end
    end
    depth = depth + #taken
    redis.call('HINCRBY', meta, 'depth', #taken)
  end
  for i = 1, n do
    reply[#reply + 1] = full and 'full' or words[i]
  end
end
return reply
