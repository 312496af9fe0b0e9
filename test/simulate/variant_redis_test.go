// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// This file breaks Doorbell's Lua scripts. It puts a few lines in front of a script that replace redis.call, so that it
// does not depend on the text of the script, only on the keys that the script uses.

// intercept returns the script with a function in front of it that redis.call runs for each command. body is the
// function's body. In it, a is the command with its arguments, name the command's name, and key its first key. If body
// returns nothing, the command runs unchanged.
func intercept(body, text string) string {
	return fmt.Sprintf(`local real, waiting = redis, false
local function intercept(call, a)
  local name, key = a[1], a[2]
  %s
  return call(unpack(a))
end
local redis = {
  call = function(...) return intercept(real.call, {...}) end,
  pcall = function(...) return intercept(real.pcall, {...}) end,
}
%s`, body, text)
}

func shard() keyspace.Shard { return keyspace.New(namespace+"/"+sourceName, 1).Shard(0) }

// forgetKeys makes the script find no key in the in-flight index or in the dedupe window.
func forgetKeys(_, text string) string {
	return intercept(fmt.Sprintf(`
  if key == '%s' and name == 'HGET' then return false end
  if key == '%s' and name == 'HMGET' then
    local none = {}
    for i = 3, #a do none[#none + 1] = false end
    return none
  end
  if name == 'SMISMEMBER' then
    local none = {}
    for i = 3, #a do none[#none + 1] = 0 end
    return none
  end`, shard().InFlight(), shard().InFlight()), text)
}

func keepInFlight(_, text string) string {
	return intercept(fmt.Sprintf(`if key == '%s' and name == 'HDEL' then return 1 end`, shard().InFlight()), text)
}

// noFencing makes every script treat the caller's fencing token, the argument after the lane, as the current one.
func noFencing(_, text string) string {
	return intercept(fmt.Sprintf(`
  if key == '%s' and name == 'HGET' then
    for i = 1, #ARGV - 1 do
      if ARGV[i] == a[3] then return ARGV[i + 1] end
    end
  end
  if key == '%s' and name == 'HMGET' then
    local tokens = {}
    for i = 3, #a do
      for j = 1, #ARGV - 1 do
        if ARGV[j] == a[i] then tokens[i - 2] = ARGV[j + 1] break end
      end
    end
    return tokens
  end`, shard().FencingTokens(), shard().FencingTokens()), text)
}

// sharedLease ends each lease after a quarter of a second in Redis. Its worker does not know that, and continues.
func sharedLease(name, text string) string {
	if name != "claim" {
		return text
	}
	return intercept(fmt.Sprintf(`if key == '%s' and name == 'ZADD' then
    for i = 3, #a, 2 do a[i] = string.format('%%.0f', tonumber(a[i]) - 29750) end
  end`, shard().Due()), text)
}

// shortLease ends each lease 22 s early, as if nothing renewed it in time.
func shortLease(name, text string) string {
	if name != "claim" && name != "renew" {
		return text
	}
	return intercept(fmt.Sprintf(`
  if key == '%s' and name == 'ZADD' then
    for i = 3, #a, 2 do a[i] = string.format('%%.0f', tonumber(a[i]) - 22000) end
  end`, shard().Due()), text)
}

// endAtJump extends no lease after Redis's clock has jumped forward.
func endAtJump(name, text string) string {
	if name != "claim" {
		return text
	}
	return intercept(fmt.Sprintf(`if key == '%s' and name == 'HGETALL' then return {} end`, shard().FencingTokens()), text)
}

// loseProgress stores no progress.
func loseProgress(_, text string) string {
	return intercept(`if name == 'SET' or name == 'MSET' then return {ok = 'OK'} end`, text)
}

// sharedBackoff leases no lane until the latest time at which a retried lane is due.
func sharedBackoff(name, text string) string {
	due, meta := shard().Due(), shard().Meta()
	switch name {
	case "claim":
		return intercept(fmt.Sprintf(`
  if key == '%s' and name == 'ZRANGEBYSCORE' and tonumber(a[4]) < tonumber(real.call('HGET', '%s', 'backoff') or 0) then
    waiting = true
    return {}
  end
  if waiting and name == 'ZRANGE' then return {} end`, due, meta), text)
	case "accept":
		return text
	default:
		return intercept(fmt.Sprintf(`
  if key == '%s' and name == 'ZADD' and tonumber(a[3]) then real.call('HSET', '%s', 'backoff', a[3]) end`, due, meta), text)
	}
}

// keepProgress keeps the progress of finished events.
func keepProgress(name, text string) string {
	if name != "finish" {
		return text
	}
	return intercept(`if name == 'DEL' then return 1 end`, text)
}

// miscountDeadLetters does not count the size of the dead letters.
func miscountDeadLetters(_, text string) string {
	return intercept(fmt.Sprintf(`if key == '%s' and name == 'HINCRBY' and a[3] == 'deadbytes' then return 0 end`, shard().Meta()), text)
}

// flatterAttempts changes the number of attempts in the event log.
func flatterAttempts(_, text string) string {
	return intercept(fmt.Sprintf(`
  if key == '%s' and name == 'HSET' then
    for i = 4, #a, 2 do a[i] = string.gsub(a[i], '"attempts":%%d+', '"attempts":99') end
  end`, shard().Log()), text)
}

// flatterLog writes "succeeded" to the event log where an event was dead-lettered.
func flatterLog(_, text string) string {
	return intercept(fmt.Sprintf(`
  if key == '%s' and name == 'HSET' then
    for i = 4, #a, 2 do a[i] = string.gsub(a[i], 'dead%%-lettered', 'succeeded') end
  end`, shard().Log()), text)
}

// forgetOperations stores no bulk operation that is in progress.
func forgetOperations(_, text string) string {
	return intercept(`
  if name == 'SET' or name == 'MSET' then
    for i = 3, #a do a[i] = string.gsub(a[i], '"pending":true', '"pending":false') end
  end`, text)
}
