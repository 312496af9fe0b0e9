-- meta: functions that read a shard's meta hash and store the shard's time. The fields of the hash are time and clock
-- (see below), depth (the number of unfinished events), finished (how many events have been finished), layouts and
-- slices (the layouts of the dedupe window, see layouts.lua), deadbytes and deaddropped (see dead_letters.lua), and
-- confirmed, which no script reads: Go code writes it before it waits for replicas. The first shard also has catchup and
-- catchupat (see stats.go).
-- Prelude: base.lua of redislua.
--
-- The shard's time never goes back. Redis's clock can go back, for example after a failover to a server whose clock is
-- behind. Lanes are scheduled by the time at which they become due, so a clock that goes back would hide them until it
-- has caught up. Meta therefore stores the shard's last time and the time that Redis's clock showed at that moment.
-- While Redis's clock is behind the last time, the shard's time advances at half of the clock's speed, until the clock
-- has caught up. A delay then lasts at most twice as long as intended.
local shard_time = {}

-- read_meta: returns the shard's time, ms, and the values of the given fields of meta (false if a field does not
-- exist). An empty time reads Redis's clock.
local function read_meta(meta, given, ...)
  local clock_now = clock(given)
  local values = redis.call('HMGET', meta, 'time', 'clock', ...)
  local last, clock_then = tonumber(values[1] or 0), tonumber(values[2] or 0)
  local now = clock_now
  if clock_now < last then
    now = last + math.floor(math.max(clock_now - clock_then, 0) / 2)
  end
  shard_time.now, shard_time.clock = now, clock_now
  shard_time.changed = clock_now < clock_then or clock_now >= clock_then + 1000
  return now, unpack(values, 3, 2 + select('#', ...))
end

-- store_time: stores the shard's time if Redis's clock has gone back or a second has passed since the time was last
-- stored. HDEL of a field that never exists is first because Redis always allows it, and then allows the HSET (see
-- rejected_for_memory).
local function store_time(meta)
  if shard_time.changed then
    redis.call('HDEL', meta, '')
    redis.call('HSET', meta, 'time', int(shard_time.now), 'clock', int(shard_time.clock))
  end
end
