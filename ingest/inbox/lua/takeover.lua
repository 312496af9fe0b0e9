-- takeover: ends leases that no worker has any more, and makes their lanes due now: those that an earlier process of the same owner
-- left behind when it died, and those of a claim whose reply was lost. Without it the lanes would wait until the leases end. It
-- follows redislua's base.lua and meta.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens   KEYS[3] meta
-- ARGV[1] now, ms; "" reads Redis's clock   then prefixes of the fencing tokens of the leases to end
-- returns {"done", number of leases that it ended}
--
-- Safe to repeat as long as no worker has leases with such tokens.
-- Out of memory: HDEL is first because Redis always allows it, and then allows the writes that follow (see rejected_for_memory).
local due, tokens, meta = KEYS[1], KEYS[2], KEYS[3]
local now = read_meta(meta, ARGV[1])
local all, ended = redis.call('HGETALL', tokens), 0

local function left_behind(token)
  for i = 2, #ARGV do
    if string.sub(token, 1, #ARGV[i]) == ARGV[i] then
      return true
    end
  end
  return false
end

for i = 1, #all, 2 do
  if left_behind(all[i + 1]) then
    redis.call('HDEL', tokens, all[i])
    redis.call('ZADD', due, int(now), all[i])
    ended = ended + 1
  end
end
store_time(meta)
return {'done', int(ended)}
