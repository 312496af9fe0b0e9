// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/redislua"
)

//go:embed lua/*.lua
var sources embed.FS

// The words with which scripts reply. Each script's header says which of them it uses and what follows them.
const (
	wordAccepted    = "accepted"
	wordFull        = "full"
	wordFinished    = "finished"
	wordBuckets     = "buckets"
	wordOutOfMemory = "out-of-memory"
	wordClaimed     = "claimed"
	wordRenewed     = "renewed"
	wordHeld        = "held"
	wordLost        = "lost"
	wordDone        = "done"
)

// scripts are the transitions of an event, one Lua script each. The client never repeats a script by itself: only the caller can
// decide what to do about a script that got no reply and may have run.
type scripts struct {
	accept, buckets, claim, dropEmpty, renew, save, complete, retry, deadLetter, takeover script
}

func loadScripts() scripts {
	base, logRecord, lane, dedupe := redislua.Base(), redislua.LogRecord(), source("lane"), source("dedupe")
	load := func(name string, shared ...string) script {
		return script{name: name, lua: rueidis.NewLuaScript(strings.Join(shared, "") + source(name))}
	}
	return scripts{
		accept:     load("accept", logRecord, dedupe),
		buckets:    load("buckets", base),
		claim:      load("claim", base),
		dropEmpty:  load("drop_empty"),
		renew:      load("renew", base),
		save:       load("save"),
		complete:   load("complete", logRecord, lane, dedupe),
		retry:      load("retry", logRecord),
		deadLetter: load("dead_letter", logRecord, lane),
		takeover:   load("takeover", base),
	}
}

func source(name string) string {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil { // cannot happen: the file is embedded
		panic(fmt.Sprintf("inbox: %v", err))
	}
	return string(text)
}

// script is one transition.
type script struct {
	name string
	lua  *rueidis.Lua
}

// run calls the script and returns the first word of the reply and the words that follow it.
func (s script) run(ctx context.Context, client rueidis.Client, keys, args []string) (string, []string, error) {
	words, err := s.lua.Exec(ctx, client, keys, args).AsStrSlice()
	if err != nil {
		return "", nil, failure(s.name, err)
	}
	if len(words) == 0 {
		return "", nil, fmt.Errorf("%w: %s: empty reply", ErrUnavailable, s.name)
	}
	return words[0], words[1:], nil
}

func (s script) unexpected(word string) error {
	return fmt.Errorf("%w: %s: unexpected reply %q", ErrUnavailable, s.name, word)
}
