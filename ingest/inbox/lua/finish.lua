-- finish: changes leased lanes. A call contains many transitions, because Redis waits for its disk once for each call.
-- Each transition changes one lane, compares its own fencing token, and has its own answer. A transition that fails
-- changes nothing and does not affect the others. A call has at most one transition for each lane.
-- Prelude: base.lua and log_record.lua of redislua; meta.lua, layouts.lua, dedupe.lua, dead_letters.lua.
--
--   save         stores the progress of the lane's first event
--   complete     finishes the first event: its key moves from the in-flight index to the dedupe window
--   dead-letter  finishes the first event as a dead letter: its key leaves the in-flight index, so that the sender can
--                send the event again
--   retry        ends the lease; the lane is due after a delay, with the same first event
--   release      ends the lease; the lane is due at the given time, with the same first event
--
-- KEYS[1] due   KEYS[2] fencing tokens   KEYS[3] meta   KEYS[4] in-flight index   KEYS[5] log   KEYS[6] log index
-- KEYS[7] dead letters   KEYS[8] progress of dead letters   KEYS[9] dead letter index
-- KEYS[10] minor log   KEYS[11] minor log index
--   then for each transition the keys in the table below
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] length of the lease, ms
-- ARGV[3] maximum number of log records
-- ARGV[4] maximum number of dead letters   ARGV[5] retention of dead letters, ms
-- ARGV[6] maximum size of all dead letters, bytes; 0 in ARGV[4] to ARGV[6]: no such limit
-- ARGV[7], ARGV[8] the fields slices and layouts that the caller believes to be stored in meta
-- ARGV[9] number of dedupe sets of a new shard
--   then for each transition: its name, lane, fencing token, and the arguments in the table below
--
--   name            keys             arguments
--   save            progress         progress
--   complete        lane, set        event ID, record, fingerprint, member, bucket, maximum size in bytes of a next event
--                                    that the caller accepts; for an event without saved progress
--   complete-saved  as above, then   as above; for an event that may have saved progress
--                   progress
--   dead-letter     lane, progress   event ID, record, fingerprint, progress
--   retry           progress         event ID, record, delay in ms, progress
--   release         none             time at which the lane is due, ms
--
--   The record is for the event log, and the bucket is the number of the one in which Doorbell received the event. An
--   event without a key has no fingerprint, and an event without a key or without a dedupe window has no member; the
--   lane then takes the place of the dedupe set. What an event or a transition does not have is "". If a retry or
--   dead-letter has no progress, the event keeps the progress saved before.
-- returns {"finished", for each transition: "done"
--     | "due"                           done, and the lane is in the schedule without a lease
--     | "next", token, received, event  complete: the lane's next event, which the caller leases with this fencing token
--     | "lost"                          the caller no longer has the lease
--     | "failed", message}              Redis cannot read the lane
--   | {"layouts", slices, layouts} if these fields differ from ARGV[7] and ARGV[8]; the script changes nothing
--
-- Safe to repeat: a repeated save stores the same progress again. Every other transition ends the lease, so a second
-- run answers "lost". The exception is a complete whose first run leased the next event: the second run finds the token
-- that follows its own and returns the event again, because the caller may have lost the reply that contained it.
-- Out of memory: the script deletes old log records and dead letters to make room for new log records. If it writes no
-- log record, HDEL is the first write because Redis always allows it. Redis then allows the later writes (see
-- rejected_for_memory).
--
-- Most of Redis's work for an event happens here. The script therefore makes no table for each transition, and gives
-- Redis texts instead of numbers, because Redis converts numbers slowly.
local due, tokens, meta, in_flight, log, log_index = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local now, slices, layouts = read_meta(meta, ARGV[1], 'slices', 'layouts')
if (slices or '') ~= ARGV[7] or (layouts or '') ~= ARGV[8] then
  return {'layouts', slices or '', layouts or ''}
end
local lease_ends, layout = int(now + tonumber(ARGV[2])), parse_layouts(layouts)[1]

local argument_count = {save = 4, complete = 9, ['complete-saved'] = 9, ['dead-letter'] = 7, retry = 7, release = 4}
local key_count = {save = 1, complete = 2, ['complete-saved'] = 3, ['dead-letter'] = 2, retry = 1, release = 0}

-- lanes: the lane of each transition. first_args and first_keys: the positions of its name and of its first key.
local lanes, first_args, first_keys = {}, {}, {}
do
  local i, arg, key, last = 0, 10, 12, #ARGV
  while arg <= last do
    local name = ARGV[arg]
    i = i + 1
    lanes[i], first_args[i], first_keys[i] = ARGV[arg + 1], arg, key
    arg = arg + argument_count[name]
    key = key + key_count[name]
  end
end

-- The changes of all transitions. Each list becomes the arguments of one command, except the last three, which list
-- lanes to trim, positions of completed events to remember, and dead letters. The list ended begins with a field that
-- never exists, so that the script always calls HDEL, which Redis allows when it is out of memory.
local records, ended, leased, unscheduled, schedule = {}, {''}, {}, {}, {}
local deleted_keys, saved_progress, fingerprints = {}, {}, {}
local trimmed, remembered, letters = {}, {}, {}
local finished = 0 -- number of events

local reply = {'finished'}

local function add(list, a, b)
  local n = #list
  list[n + 1] = a
  if b then
    list[n + 2] = b
  end
end

-- token_after: returns the fencing token with which a complete leases the lane's next event. The token of a claim ends
-- with a point. Each following token has the next number behind the point.
local function token_after(token)
  local base, number = string.match(token, '^(.*%.)(%d*)$')
  return base .. int((tonumber(number) or 0) + 1)
end

local function add_record(arg)
  if ARGV[arg + 4] ~= '' then
    add(records, ARGV[arg + 3], ARGV[arg + 4])
  end
end

local function end_lease(lane, at)
  add(ended, lane)
  add(schedule, int(at), lane)
  add(reply, 'due')
end

-- continue_lane: leases the next event of the lane to the caller if the event is small enough; otherwise it makes the
-- lane due. A lane is due from the time of receipt of its first event, so that workers claim lanes in the order of
-- receipt.
local function continue_lane(lane, received, event, room, token)
  if not received then
    add(ended, lane)
    add(unscheduled, lane)
    add(reply, 'done')
  elseif event and #event <= room then
    local next_token = token_after(token)
    add(leased, lane, next_token)
    add(schedule, lease_ends, lane)
    add(reply, 'next', next_token)
    add(reply, received, event)
  else
    end_lease(lane, math.min(tonumber(string.match(received, '^%d+')) or now, now))
  end
end

-- finish_event: removes the first event of a lane. next_received is what the lane stores for the next event, or nil.
local function finish_event(list, fingerprint, next_received)
  finished = finished + 1
  add(next_received and trimmed or deleted_keys, list)
  if fingerprint ~= '' then
    add(fingerprints, fingerprint)
  end
end

local function complete(arg, key, lane, held)
  local list, token, room = KEYS[key], ARGV[arg + 2], tonumber(ARGV[arg + 8])
  local first, last, repeated = '2', room > 0 and '3' or '2', false
  if held ~= token then
    if held ~= token_after(token) then
      return add(reply, 'lost')
    end
    first, last, repeated = '0', '1', true -- the first run has removed the event
  end
  local found = redis.pcall('LRANGE', list, first, last)
  if found.err then
    return add(reply, 'failed', found.err)
  end
  if not repeated then
    finish_event(list, ARGV[arg + 5], found[1])
    add_record(arg)
    if ARGV[arg] == 'complete-saved' then
      add(deleted_keys, KEYS[key + 2])
    end
    if ARGV[arg + 6] ~= '' then
      add(remembered, arg, key)
    end
  end
  continue_lane(lane, found[1], found[2], room, token)
end

-- The following functions run only if the caller has the lease.

local function dead_letter(arg, key, lane)
  local found = redis.pcall('LRANGE', KEYS[key], '0', '2')
  if found.err then
    return add(reply, 'failed', found.err)
  end
  local progress = ARGV[arg + 6]
  if progress == '' then
    local saved = redis.pcall('GET', KEYS[key + 1])
    progress = type(saved) == 'string' and saved or ''
  end
  letters[#letters + 1] = {
    id = ARGV[arg + 3], event = string.match(found[1] or '', '^%d*') .. ' ' .. (found[2] or ''), progress = progress,
  }
  finish_event(KEYS[key], ARGV[arg + 5], found[3])
  add(deleted_keys, KEYS[key + 1])
  add_record(arg)
  continue_lane(lane, found[3])
end

local function save(arg, key)
  add(saved_progress, KEYS[key], ARGV[arg + 3])
  add(reply, 'done')
end

local function retry(arg, key, lane)
  if ARGV[arg + 6] ~= '' then
    add(saved_progress, KEYS[key], ARGV[arg + 6])
  end
  add_record(arg)
  end_lease(lane, now + tonumber(ARGV[arg + 5]))
end

local function release(arg, _, lane)
  end_lease(lane, math.min(tonumber(ARGV[arg + 3]), now))
end

local apply = {save = save, ['dead-letter'] = dead_letter, retry = retry, release = release}

local held = redis.call('HMGET', tokens, unpack(lanes))
for i, lane in ipairs(lanes) do
  local arg = first_args[i]
  local change = apply[ARGV[arg]]
  if not change then
    complete(arg, first_keys[i], lane, held[i])
  elseif held[i] == ARGV[arg + 2] then
    change(arg, first_keys[i], lane)
  else
    add(reply, 'lost')
  end
end

local function call(command, key, list)
  if #list > 0 then
    redis.call(command, key, unpack(list))
  end
end

if #records > 0 then
  write_records(log, log_index, records, now, tonumber(ARGV[3]), make_room)
end
redis.call('HDEL', tokens, unpack(ended))
if #deleted_keys > 0 then
  redis.call('DEL', unpack(deleted_keys))
end
if #saved_progress > 0 then
  redis.call('MSET', unpack(saved_progress))
end
call('HSET', tokens, leased)
call('ZREM', due, unscheduled)
call('ZADD', due, schedule)
call('HDEL', in_flight, fingerprints)
for _, list in ipairs(trimmed) do
  redis.call('LTRIM', list, '2', '-1')
end
for i = 1, #remembered, 2 do
  local arg = remembered[i]
  add_to_dedupe_set(KEYS[remembered[i + 1] + 1], ARGV[arg + 6], layout, tonumber(ARGV[arg + 7]), now)
end
for _, letter in ipairs(letters) do
  add_dead_letter(letter.id, letter.event, letter.progress, now)
end
if #letters > 0 then
  bound_dead_letters(tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), now)
end
if finished > 0 then
  redis.call('HINCRBY', meta, 'depth', int(-finished))
  redis.call('HINCRBY', meta, 'finished', int(finished))
end
adapt_layout(meta, slices, layouts, layout, tonumber(ARGV[9]), now)
store_time(meta)
return reply
