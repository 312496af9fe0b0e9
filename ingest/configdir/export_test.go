// SPDX-License-Identifier: Apache-2.0

package configdir

import "github.com/doorbell-dev/doorbell/ingest/pipeline"

// Poll does one iteration of Run. It returns the configuration that Run would send, and whether it would send one.
func (w *Watcher) Poll() (pipeline.Config, bool) {
	config, problem, changed := w.poll()
	w.record(config, problem, changed)
	return config, changed
}
