-- claim: leases lanes that are due, the longest due first. A lane whose lease has ended is due as well, so the lanes of a process
-- that died are claimed like any other. It follows redislua's base.lua and meta.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens   KEYS[3] meta
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] length of the lease, ms   ARGV[3] maximum number of lanes   ARGV[4] fencing token
-- returns {"claimed", ms until the next lane is due or -1 if there is none, then for each lane: its name, the time at which it was due}
--
-- The fencing token belongs to this call alone. It replaces the token of an earlier lease, and every script that changes a leased
-- lane compares tokens first. A worker that was too slow, or that a network partition cut off, therefore cannot change a lane that
-- another worker has claimed since.
--
-- Not safe to repeat: if the reply is lost, the lanes are leased to a token that no worker knows, and a repeated call claims other
-- lanes. The process that called it therefore ends the leases of that token; see takeover.lua.
-- Out of memory: ZREM is first because Redis always allows it, and then allows the writes that follow (see rejected_for_memory).
local due, tokens, meta = KEYS[1], KEYS[2], KEYS[3]
local now = read_meta(meta, ARGV[1])
local found = redis.call('ZRANGEBYSCORE', due, '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local lanes, schedule, fields = {}, {}, {}
for i = 1, #found, 2 do
  lanes[#lanes + 1] = found[i]
  schedule[#schedule + 1], schedule[#schedule + 2] = int(now + tonumber(ARGV[2])), found[i]
  fields[#fields + 1], fields[#fields + 2] = found[i], ARGV[4]
end
if #lanes > 0 then
  redis.call('ZREM', due, unpack(lanes))
  redis.call('ZADD', due, unpack(schedule))
  redis.call('HSET', tokens, unpack(fields))
end
store_time(meta)
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
return {'claimed', int(wait), unpack(found)}
