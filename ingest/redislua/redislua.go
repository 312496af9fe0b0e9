// SPDX-License-Identifier: Apache-2.0

// Package redislua holds the Lua functions that the Redis scripts of several packages share. The inbox, the event log,
// the event type catalog and the permits put this text in front of their own scripts. The Lua functions must never name
// a key: each function gets its keys as arguments.
package redislua

import _ "embed" // embeds the Lua files

//go:embed lua/base.lua
var base string

//go:embed lua/log_record.lua
var logRecord string

// Base returns the Lua functions int, clock and rejected_for_memory.
func Base() string { return base }

// LogRecord returns the functions of Base and two more, drop_oldest_records and write_records. A script that changes an
// event uses them to write the event log in the same step.
func LogRecord() string { return base + logRecord }
