// SPDX-License-Identifier: Apache-2.0

package configdir

import "github.com/doorbell-dev/doorbell/ingest"

// Look is one tick of Run: what it sends, if anything.
func (w *Watcher) Look() (ingest.Source, bool) {
	source, problem, fresh := w.look()
	w.note(source, problem, fresh)
	return source, fresh
}
