-- dedupe: functions for the dedupe window, which stores the keys of finished events.
-- Prelude: base.lua of redislua; meta.lua, layouts.lua.
--
-- Time is divided into buckets, each an eighth of the window long. The keys are spread over many sets. A set stores one
-- integer for each key, which the next paragraph describes. A key is in the window while the bucket in which its event
-- was received is one of ten live buckets: the current one, the eight before it, and the one after it, because Redis's
-- clock may have been set back a little. So a key stays for at least the window and at most an eighth longer.
--
-- The integer has 18 digits for the key, then one digit for the bucket. The digit is the number of the bucket modulo
-- 10, and the integer is negative if the number modulo 20 is 10 or more. A live bucket can thus not be mistaken for an
-- old one, which would have to be at least 19 buckets old: when the first key of a bucket is added to a set, all
-- members that are not live are removed, and the set expires ten buckets later. So no member is older than 17 buckets.
-- In the former layout (see layouts.lua) the integer has 16 digits for the key, which are the first 16 of the 18, and
-- three digits for the bucket's number modulo 1000.
--
-- A key leaves the window without any work: a search compares only members of live buckets, so older members have no
-- effect. They are deleted when the first key of a new bucket is added to their set, and a set to which nothing is
-- added expires as a whole.
--
-- Redis stores a set of up to 512 integers in 8 bytes a member, and a larger one in 72 (set-max-intset-entries). A set
-- with few members costs about 160 bytes more for itself. adapt_layout therefore changes the number of sets so that a
-- set has about 30 to 280 members.

-- bucket_of_member: returns what stands before and behind a key's digits for bucket n.
local function bucket_of_member(n, layout)
  if layout.sets == 0 then
    return '', string.format('%03d', n % 1000)
  end
  return n % 20 >= 10 and '-' or '', string.format('%d', n % 10)
end

-- live_buckets: returns what stands before and behind a key's digits in each live bucket, for in_dedupe_set.
local function live_buckets(layout, now)
  local live, current = {former = layout.sets == 0, before = {}, behind = {}}, math.floor(now / layout.length)
  for n = current - 8, current + 1 do
    local i = #live.before + 1
    live.before[i], live.behind[i] = bucket_of_member(n, layout)
  end
  return live
end

-- in_dedupe_set: reports whether a set has a key in a live bucket.
local function in_dedupe_set(set, member, live)
  local b, e = live.before, live.behind
  local m = live.former and string.sub(member, 1, 16) or member
  local found = redis.call('SMISMEMBER', set, b[1] .. m .. e[1], b[2] .. m .. e[2], b[3] .. m .. e[3], b[4] .. m .. e[4],
    b[5] .. m .. e[5], b[6] .. m .. e[6], b[7] .. m .. e[7], b[8] .. m .. e[8], b[9] .. m .. e[9], b[10] .. m .. e[10])
  for i = 1, #found do
    if found[i] == 1 then
      return true
    end
  end
  return false
end

-- added_to: the set to which the script has added a key last. fewest: the smallest number of keys that a sweep of this
-- script has left in a set.
local added_to, fewest = nil, math.huge

-- sweep: removes from a set the members that are not in a live bucket, and all markers except the given one. A marker
-- is shorter than the 19 digits of a key.
local function sweep(set, marker, layout, now)
  local live, width, old, kept = {}, layout.sets == 0 and 3 or 1, {}, 0
  local buckets = live_buckets(layout, now)
  for i, before in ipairs(buckets.before) do
    live[before .. buckets.behind[i]] = true
  end
  for _, member in ipairs(redis.call('SMEMBERS', set)) do
    local before = string.sub(member, 1, 1) == '-' and '-' or ''
    if #member >= 19 and live[before .. string.sub(member, -width)] then
      kept = kept + 1
    elseif member ~= marker then
      old[#old + 1] = member
    end
  end
  for i = 1, #old, 1000 do
    redis.call('SREM', set, unpack(old, i, math.min(i + 999, #old)))
  end
  fewest = math.min(fewest, kept)
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
local function add_to_dedupe_set(set, member, layout, n, now)
  local current = math.floor(now / layout.length)
  if n < current - 8 then
    return true
  end
  local marker = int(-current)
  local before, behind = bucket_of_member(n, layout)
  member = before .. (layout.sets == 0 and string.sub(member, 1, 16) or member) .. behind
  local added = redis.pcall('SADD', set, marker, member)
  if type(added) == 'table' and string.find(added.err, 'WRONGTYPE', 1, true) then
    redis.call('DEL', set)
    added = redis.call('SADD', set, marker, member)
  end
  if rejected_for_memory(added) then
    return false
  end
  added_to = set
  if added == 2 then
    sweep(set, marker, layout, now)
    redis.call('PEXPIRE', set, int((current + 10) * layout.length - now))
  end
  return true
end

-- adapt_layout: changes the number of sets if the keys are spread over too few or too many. A script that adds keys
-- calls it once, after its other writes. To find out, it counts the members of one set now and then: of the set of a
-- key that was just added, in one millisecond of 16. The sets are chosen by a hash, so all of them have about the same
-- number of members, and no set comes near 512 before a count shows more than 320. The number of sets grows by a factor
-- of 8, or of 64 if the sets have filled up within one bucket, because with the factor 8 the keys of the whole window
-- would not fit. It shrinks by a factor of 8 if a sweep finds fewer than 4 keys in a set, once the layout has been the
-- current one for more than a window. first is the number of sets of a new shard, and the smallest one.
local function adapt_layout(meta, slices, stored, layout, first, now)
  local sets, age = layout.sets, now - layout.time
  if not added_to then
    return
  elseif sets == 0 then
    sets = age >= former_ms and first or 0
  elseif now % 16 == 0 and #redis.call('SMEMBERS', added_to) > 320 then
    sets = sets * (age < layout.length and 64 or 8)
  elseif fewest < 4 and age >= 10 * layout.length then
    sets = math.max(math.floor(sets / 8), first)
  end
  if sets ~= layout.sets then
    store_layouts(meta, slices, stored, layout.length, sets, now)
  end
end
