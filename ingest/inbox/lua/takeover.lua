-- takeover: ends leases and makes their lanes due now. The inbox uses it for the leases that an earlier process of the
-- same owner left behind, and for the leases of a claim whose reply was lost. Without this script, nobody could claim
-- the lanes until the leases end.
-- Prelude: base.lua of redislua; meta.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens   KEYS[3] meta
-- ARGV[1] now, ms; "" reads Redis's clock   then prefixes of the fencing tokens of the leases to end
-- returns {"done", number of leases that it ended}
--
-- Safe to repeat until a worker claims lanes with such tokens, because a later run would end the new leases too.
-- Out of memory: HDEL is the first write because Redis always allows it. Redis then allows the later writes (see
-- rejected_for_memory).
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
