-- takeover: make due the lanes that an earlier process of the same owner left claimed.
-- KEYS[1] due   KEYS[2] claims
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] owner: how its tokens begin
-- returns {"done"}
local now = clock(ARGV[1])
local claims = redis.call('HGETALL', KEYS[2])
for i = 1, #claims, 2 do
  if string.sub(claims[i + 1], 1, #ARGV[2]) == ARGV[2] then
    redis.call('HDEL', KEYS[2], claims[i]) -- first, for Redis allows it without memory, and then what follows
    redis.call('ZADD', KEYS[1], int(now), claims[i])
  end
end
return {'done'}
