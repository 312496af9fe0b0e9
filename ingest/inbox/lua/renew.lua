-- renew: extends leases, so that they end one lease length from now.
-- It follows redislua's base.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] length of the lease, ms   then pairs of lane and fencing token
-- returns {"renewed", for each pair: "held" | "lost"}
--
-- Safe to repeat. A lease that has ended is renewed as long as no other worker has claimed the lane.
-- Out of memory: ZREM is first because Redis always allows it, and then allows the writes that follow (see rejected_for_memory).
local ends = int(clock(ARGV[1]) + tonumber(ARGV[2]))
local reply = {'renewed'}
for i = 3, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then
    redis.call('ZREM', KEYS[1], ARGV[i])
    redis.call('ZADD', KEYS[1], ends, ARGV[i])
    reply[#reply + 1] = 'held'
  else
    reply[#reply + 1] = 'lost'
  end
end
return reply
