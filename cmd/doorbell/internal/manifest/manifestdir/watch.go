// SPDX-License-Identifier: Apache-2.0

package manifestdir

import (
	"context"
	"time"
)

// Watch reports changes once no file has changed for settleTime, so that an author can save several files together, for
// example to move a Source to another file. It waits for at most maxWait, so that one file that changes all the time does
// not hold back the others.
const (
	settleTime = 200 * time.Millisecond
	maxWait    = 10 * settleTime
)

// Watch scans paths at each tick. If files were added, changed or deleted since the listing start, and nothing has changed
// for 200 ms (or changes have continued for 2 s), it calls changed with the new listing. The times that ticks delivers are its
// clock. Watch returns when ctx ends or ticks is closed.
func Watch(ctx context.Context, paths []string, start Listing, ticks <-chan time.Time, changed func(Listing)) {
	w := watcher{reported: start, latest: start}
	for {
		select {
		case <-ctx.Done():
			return
		case now, open := <-ticks:
			if !open || ctx.Err() != nil { // select may choose either case if both are ready
				return
			}
			if w.settled(Scan(paths), now) {
				changed(w.reported)
			}
		}
	}
}

type watcher struct {
	reported, latest Listing
	// first and last are the times of the changes that are not reported yet.
	first, last time.Time
}

// settled reports whether the listing must be reported now.
func (w *watcher) settled(listing Listing, now time.Time) bool {
	if !listing.equal(w.latest) {
		if w.latest.equal(w.reported) {
			w.first = now
		}
		w.latest, w.last = listing, now
	}
	if w.latest.equal(w.reported) || now.Sub(w.last) < settleTime && now.Sub(w.first) < maxWait {
		return false
	}
	w.reported = w.latest
	return true
}
