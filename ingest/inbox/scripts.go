// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

//go:embed lua/*.lua
var sources embed.FS

// The words with which scripts answer; each script's header says which of them it uses, and what follows them.
const (
	wordAccepted = "accepted"
	wordFull     = "full"
	wordFinished = "finished"
	wordSlices   = "slices"
	wordMemory   = "memory"
	wordClaimed  = "claimed"
	wordRenewed  = "renewed"
	wordHeld     = "held"
	wordLost     = "lost"
	wordDone     = "done"
)

// scripts are the transitions. None is retried by the client: whether one that got no answer has run is the caller's question.
type scripts struct {
	accept, slices, claim, clean, renew, save, complete, retry, bury, takeover script
}

func loadScripts() scripts {
	prelude, lane, memory := eventlog.Prelude(), source("lane"), source("memory")
	load := func(name string, before ...string) script {
		return script{name: name, lua: rueidis.NewLuaScript(strings.Join(before, "") + source(name))}
	}
	return scripts{
		accept:   load("accept", prelude, memory),
		slices:   load("slices", prelude),
		claim:    load("claim", prelude),
		clean:    load("clean"),
		renew:    load("renew", prelude),
		save:     load("save"),
		complete: load("complete", prelude, lane, memory),
		retry:    load("retry", prelude),
		bury:     load("bury", prelude, lane),
		takeover: load("takeover", eventlog.Prelude()),
	}
}

func source(name string) string {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil { // it is embedded
		panic(fmt.Sprintf("inbox: %v", err))
	}
	return string(text)
}

// script is one transition.
type script struct {
	name string
	lua  *rueidis.Lua
}

// run returns the first word of the answer and what follows it.
func (s script) run(ctx context.Context, client rueidis.Client, keys, args []string) (string, []string, error) {
	words, err := s.lua.Exec(ctx, client, keys, args).AsStrSlice()
	if err != nil {
		return "", nil, failure(s.name, err)
	}
	if len(words) == 0 {
		return "", nil, fmt.Errorf("%w: %s: empty answer", ErrUnavailable, s.name)
	}
	return words[0], words[1:], nil
}

func (s script) unexpected(word string) error {
	return fmt.Errorf("%w: %s: unexpected answer %q", ErrUnavailable, s.name, word)
}
