-- claim: leases lanes that are due, starting with the lane that has been due longest. A lane whose lease has ended is
-- due as well, so workers claim the lanes of a dead process like any other lane.
-- Prelude: base.lua of redislua; meta.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens   KEYS[3] meta
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] length of the lease, ms
-- ARGV[3] maximum number of lanes   ARGV[4] fencing token
-- ARGV[5] the shard's time that the caller expects, ms: the time in the reply to its previous claim, and the time that
--   has passed since then by its own clock; "" for the first claim
-- returns {"claimed", now, ms, ms until the next lane is due or -1 if the schedule is empty,
--   then for each lane: its name, the time at which it was due, ms}
--
-- Each call has its own fencing token. It replaces the token of an earlier lease, and every script that changes a
-- leased lane compares tokens first. A worker can be slow or cut off by a network partition while another worker claims
-- its lane. The first worker can then no longer change the lane.
--
-- Redis's clock can jump forward, for example when it is corrected. Leases would then end while their workers believe
-- in them, and two workers could deliver one lane at the same time. If the shard's time is later than the caller
-- expects, the script therefore first extends all leases by the difference. It tolerates two seconds, because every call
-- to Knock ends two seconds before its lease. After an absence, such as an outage of Redis, the time is as expected.
--
-- Not safe to repeat: if the reply is lost, no worker knows which lanes it leases, and a second run claims other lanes.
-- The process that lost the reply therefore ends the leases with that token; see takeover.lua.
-- Out of memory: HDEL, of a field that never exists, is the first write because Redis always allows it. Redis then
-- allows the later writes (see rejected_for_memory).
local due, tokens, meta = KEYS[1], KEYS[2], KEYS[3]
local now = read_meta(meta, ARGV[1])

local function extend_leases(expected)
  local all, latest = redis.call('HGETALL', tokens), now + tonumber(ARGV[2])
  for i = 1, #all, 2 do
    local lease_end = tonumber(redis.call('ZSCORE', due, all[i]) or 0)
    if lease_end > expected then
      redis.call('HDEL', tokens, '')
      redis.call('ZADD', due, int(math.min(lease_end + now - expected, latest)), all[i])
    end
  end
end
local expected = tonumber(ARGV[5])
if expected and now > expected + 2000 then
  extend_leases(expected)
end

local found = redis.call('ZRANGEBYSCORE', due, '-inf', int(now), 'WITHSCORES', 'LIMIT', '0', ARGV[3])
local ends, schedule, fields = int(now + tonumber(ARGV[2])), {}, {}
for i = 1, #found, 2 do
  schedule[i], schedule[i + 1] = ends, found[i]
  fields[i], fields[i + 1] = found[i], ARGV[4]
end
if #found > 0 then
  redis.call('HDEL', tokens, '')
  redis.call('ZADD', due, unpack(schedule))
  redis.call('HSET', tokens, unpack(fields))
end
store_time(meta)
local first = redis.call('ZRANGE', due, '0', '0', 'WITHSCORES')
local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
return {'claimed', int(now), int(wait), unpack(found)}
