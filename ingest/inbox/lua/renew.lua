-- renew: start leases anew.
-- KEYS[1] due   KEYS[2] claims
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] lease, ms   then pairs of lane, token
-- returns {"renewed", for each pair: "held" | "lost"}
local ends = int(clock(ARGV[1]) + tonumber(ARGV[2]))
local reply = {'renewed'}
for i = 3, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then
    redis.call('ZREM', KEYS[1], ARGV[i]) -- first, for Redis allows it without memory, and then what follows
    redis.call('ZADD', KEYS[1], ends, ARGV[i])
    reply[#reply + 1] = 'held'
  else
    reply[#reply + 1] = 'lost'
  end
end
return reply
