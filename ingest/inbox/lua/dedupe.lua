-- dedupe: functions for the dedupe window, which stores the keys of finished events.
-- Prelude: base.lua of redislua.
--
-- Time is divided into buckets, each an eighth of the window long. A dedupe set stores one integer for each key: 16
-- digits for the key, then three digits for the bucket in which the event was received (the bucket's number modulo
-- 1000). A key is in the window while its bucket is one of ten live buckets: the current one, the eight before it, and
-- the one after it, because Redis's clock may have been set back a little. So a key stays for at least the window and
-- at most an eighth longer.
--
-- A key leaves the window without any work: a search compares only the suffixes of live buckets, so older members have
-- no effect. They are deleted when the first key of a new bucket is added to their set, and a set to which nothing is
-- added expires as a whole.

-- live_suffixes: returns the last three digits of the members in live buckets.
local function live_suffixes(length, now)
  local suffixes, current = {}, math.floor(now / length)
  for n = current - 8, current + 1 do
    suffixes[#suffixes + 1] = string.format('%03d', n % 1000)
  end
  return suffixes
end

-- in_dedupe_set: reports whether a set has a key with one of the ten suffixes.
local function in_dedupe_set(set, member, s)
  local found = redis.call('SMISMEMBER', set, member .. s[1], member .. s[2], member .. s[3], member .. s[4], member .. s[5],
    member .. s[6], member .. s[7], member .. s[8], member .. s[9], member .. s[10])
  for i = 1, #found do
    if found[i] == 1 then
      return true
    end
  end
  return false
end

-- sweep: removes from a set the members that are not in a live bucket, and all markers except the given one.
local function sweep(set, marker, length, now)
  local live = {}
  for _, suffix in ipairs(live_suffixes(length, now)) do
    live[suffix] = true
  end
  for _, member in ipairs(redis.call('SMEMBERS', set)) do
    local is_key = string.sub(member, 1, 1) ~= '-'
    if not (is_key and live[string.sub(member, -3)]) and member ~= marker then
      redis.call('SREM', set, member)
    end
  end
end

-- add_to_dedupe_set: adds the key of an event that Doorbell received in bucket n. If that bucket is no longer live, the
-- function does not add the key. A marker in the set, the negative number of the current bucket, shows whether a key
-- has been added in this bucket before. If not, the function sweeps the set and sets its expiry: the set expires when
-- every member that this bucket can still add has left the window.
--
-- SADD returns how many members are new. The key is always new, because an event whose key is in the window is a
-- duplicate, which Doorbell never stores. So 2 means that the marker is new too. If another program has stored a value
-- of another type in place of the set, the function replaces it. The function returns false if Redis is out of memory,
-- which can happen only if SADD is the script's first write.
local function add_to_dedupe_set(set, member, length, n, now)
  local current = math.floor(now / length)
  if n < current - 8 then
    return true
  end
  local marker = int(-current)
  member = member .. string.format('%03d', n % 1000)
  local added = redis.pcall('SADD', set, marker, member)
  if type(added) == 'table' and string.find(added.err, 'WRONGTYPE', 1, true) then
    redis.call('DEL', set)
    added = redis.call('SADD', set, marker, member)
  end
  if rejected_for_memory(added) then
    return false
  end
  if added == 2 then
    sweep(set, marker, length, now)
    redis.call('PEXPIRE', set, int((current + 10) * length - now))
  end
  return true
end
