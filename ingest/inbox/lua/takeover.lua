-- takeover: ends the leases that an earlier process of the same owner left behind when it died, and makes their lanes due now.
-- Without it the lanes would wait until the leases end. It follows redislua's base.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] prefix of the owner's fencing tokens
-- returns {"done"}
--
-- Safe to repeat before the new process claims lanes; afterwards it would end the new process's own leases.
-- Out of memory: HDEL is first because Redis always allows it, and then allows the writes that follow (see rejected_for_memory).
local now = clock(ARGV[1])
local tokens = redis.call('HGETALL', KEYS[2])
for i = 1, #tokens, 2 do
  if string.sub(tokens[i + 1], 1, #ARGV[2]) == ARGV[2] then
    redis.call('HDEL', KEYS[2], tokens[i])
    redis.call('ZADD', KEYS[1], int(now), tokens[i])
  end
end
return {'done'}
