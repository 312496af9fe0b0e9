-- claim: lease lanes that are due; those whose lease ran out are due too.
-- KEYS[1] due   KEYS[2] claims
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] lease, ms   ARGV[3] lanes at most   ARGV[4] token
-- returns {"claimed", ms until the next lane is due or -1, lane...}
local now = clock(ARGV[1])
local lanes = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now), 'LIMIT', 0, ARGV[3])
for _, lane in ipairs(lanes) do
  redis.call('ZREM', KEYS[1], lane) -- first, for Redis allows it without memory, and then what follows
  redis.call('ZADD', KEYS[1], int(now + tonumber(ARGV[2])), lane)
  redis.call('HSET', KEYS[2], lane, ARGV[4])
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
return {'claimed', int(wait), unpack(lanes)}
