-- claim: leases lanes that are due, the longest due first. A lane whose lease has ended is due as well, so the lanes of a process
-- that died are claimed like any other. It follows redislua's base.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] length of the lease, ms   ARGV[3] maximum number of lanes   ARGV[4] fencing token
-- returns {"claimed", ms until the next lane is due or -1 if there is none, lane...}
--
-- The fencing token belongs to this call alone. It replaces the token of an earlier lease, and every script that changes a leased
-- lane compares tokens first. A worker that was too slow, or that a network partition cut off, therefore cannot change a lane that
-- another worker has claimed since.
--
-- Not safe to repeat: if the reply is lost, the lanes stay leased to a token that no worker knows until the lease ends, and a
-- repeated call claims other lanes. No event is lost, but the lanes are delayed by a lease.
-- Out of memory: ZREM is first because Redis always allows it, and then allows the writes that follow (see rejected_for_memory).
local now = clock(ARGV[1])
local lanes = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now), 'LIMIT', 0, ARGV[3])
for _, lane in ipairs(lanes) do
  redis.call('ZREM', KEYS[1], lane)
  redis.call('ZADD', KEYS[1], int(now + tonumber(ARGV[2])), lane)
  redis.call('HSET', KEYS[2], lane, ARGV[4])
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
return {'claimed', int(wait), unpack(lanes)}
