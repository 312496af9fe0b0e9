// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// deadLetterPosition orders dead letters by time and then by ID, as Redis does.
type deadLetterPosition struct {
	ms int64 // since 1970
	id string
}

func (d DeadLetter) position() deadLetterPosition { return deadLetterPosition{d.At.UnixMilli(), d.ID} }

// Cursor returns the cursor of the page that begins after the dead letter.
func (d DeadLetter) Cursor() string { return DeadLetterCursor(d.At) + d.ID }

// DeadLetterCursor returns the cursor of a page that begins at a time, with a precision of milliseconds. DeadLetters
// returns only dead letters before that time, and OldestDeadLetters only dead letters at or after it.
func DeadLetterCursor(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) + " " }

func parsePosition(cursor string) deadLetterPosition {
	ms, id, _ := strings.Cut(cursor, " ")
	p := deadLetterPosition{ms: -1, id: id}
	if number, err := strconv.ParseInt(ms, 10, 64); err == nil {
		p.ms = number
	}
	return p
}

// deadLetterOrder is the order in which dead letters are read.
type deadLetterOrder interface {
	// read returns up to limit entries of an index, beginning at a time in ms; -1 begins at the first entry.
	read(ctx context.Context, index string, ms, offset, limit int64) ([]rueidis.ZScore, error)
	// compare returns a negative number if a comes before b.
	compare(a, b deadLetterPosition) int
}

type latestFirst struct{ client rueidis.Client }

func (o latestFirst) read(ctx context.Context, index string, ms, offset, limit int64) ([]rueidis.ZScore, error) {
	latest := "+inf"
	if ms >= 0 {
		latest = strconv.FormatInt(ms, 10)
	}
	return o.client.Do(ctx, o.client.B().Zrevrangebyscore().Key(index).Max(latest).Min("-inf").Withscores().Limit(offset, limit).Build()).AsZScores()
}

func (latestFirst) compare(a, b deadLetterPosition) int {
	return cmp.Or(cmp.Compare(b.ms, a.ms), cmp.Compare(b.id, a.id))
}

type oldestFirst struct{ client rueidis.Client }

func (o oldestFirst) read(ctx context.Context, index string, ms, offset, limit int64) ([]rueidis.ZScore, error) {
	return o.client.Do(ctx, o.client.B().Zrangebyscore().Key(index).Min(strconv.FormatInt(ms, 10)).Max("+inf").Withscores().Limit(offset, limit).Build()).AsZScores()
}

func (oldestFirst) compare(a, b deadLetterPosition) int {
	return cmp.Or(cmp.Compare(a.ms, b.ms), cmp.Compare(a.id, b.id))
}
