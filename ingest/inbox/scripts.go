// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1
	"embed"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/redislua"
)

//go:embed lua/*.lua
var sources embed.FS

// The words in the replies of scripts. The header of each script lists its words and the values that follow them.
const (
	wordAccepted    = "accepted"
	wordUnmapped    = "unmapped"
	wordFull        = "full"
	wordFinished    = "finished"
	wordLayouts     = "layouts"
	wordOutOfMemory = "out-of-memory"
	wordClaimed     = "claimed"
	wordRead        = "read"
	wordEvent       = "event"
	wordSaved       = "saved"
	wordReleased    = "released"
	wordEmpty       = "empty"
	wordFailed      = "failed"
	wordNext        = "next"
	wordRenewed     = "renewed"
	wordHeld        = "held"
	wordLost        = "lost"
	wordDone        = "done"
	wordDue         = "due"
)

// scripts are the Lua scripts of the inbox. The client never repeats a script by itself. If a script got no reply,
// Redis may have executed it, and only the caller can decide what to do.
type scripts struct {
	accept, layout, claim, read, renew, finish, takeover, discard, replay, sweepDeadLetters script
}

// loadScripts puts the prelude of each script in front of it. The prelude is the text of the Lua files whose functions
// the script uses; the header of each script names those files. The simulation (test/simulate) finds the name of a
// script in the first line of its header, so no line of a prelude may begin with "-- KEYS[1]".
func loadScripts() scripts {
	base, meta := redislua.Base(), source("meta")
	events := []string{redislua.LogRecord(), meta, source("layouts"), source("dedupe"), source("dead_letters")}
	load := func(name string, shared ...string) script {
		text := strings.Join(shared, "") + source(name)
		sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
		return script{name: name, text: text, sha1: hex.EncodeToString(sum[:]), lua: rueidis.NewLuaScript(text)}
	}
	letters := []string{redislua.LogRecord(), meta, source("dead_letters")}
	return scripts{
		accept:   load("accept", events...),
		layout:   load("layout", base, meta, source("layouts")),
		claim:    load("claim", base, meta),
		read:     load("read"),
		renew:    load("renew", base, meta),
		finish:   load("finish", events...),
		takeover: load("takeover", base, meta),
		discard:  load("discard", letters...),
		replay:   load("replay", letters...),

		sweepDeadLetters: load("sweep_dead_letters", letters...),
	}
}

func source(name string) string {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil { // cannot happen: the file is embedded
		panic(fmt.Sprintf("inbox: %v", err))
	}
	return string(text)
}

// script is one Lua script with its prelude.
type script struct {
	name, text, sha1 string
	lua              *rueidis.Lua
}

// run calls the script and returns the first word of the reply and the words that follow it.
func (s script) run(ctx context.Context, client rueidis.Client, keys, args []string) (string, []string, error) {
	return s.read(s.lua.Exec(ctx, client, keys, args))
}

// read returns the first word of a reply and the words that follow it.
func (s script) read(reply rueidis.RedisResult) (string, []string, error) {
	words, err := reply.AsStrSlice()
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

// replyWords reads the words of a reply one after another.
type replyWords struct{ words []string }

func (r *replyWords) left() int { return len(r.words) }

// take returns the next word. The caller must first check that a word is left.
func (r *replyWords) take() string {
	word := r.words[0]
	r.words = r.words[1:]
	return word
}

// next returns the next word. It reports false if no word is left.
func (r *replyWords) next() (word string, ok bool) {
	if len(r.words) == 0 {
		return "", false
	}
	return r.take(), true
}
