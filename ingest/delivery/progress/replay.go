// SPDX-License-Identifier: Apache-2.0

package progress

import "github.com/doorbell-dev/doorbell/ingest/eventlog"

// ForReplay returns the progress to store when a dead letter is replayed. Its argument is the progress of the dead
// letter. Doorbell plans the event again, so that a corrected mapping takes effect, but does not repeat the actions
// that have succeeded. If no action has succeeded, or if the progress cannot be read, ForReplay returns nil, and all
// actions run.
func ForReplay(deadLetter []byte) []byte {
	p, err := Decode(deadLetter)
	if err != nil {
		return nil
	}
	replay := &Progress{Version: version}
	for _, a := range p.Actions {
		if a.Status == eventlog.Succeeded {
			replay.Actions = append(replay.Actions, a)
		}
	}
	if len(replay.Actions) == 0 {
		return nil
	}
	return replay.Encode()
}

// KeepSucceeded replaces the actions that have succeeded before, according to earlier, so that they do not run again.
func (p *Progress) KeepSucceeded(earlier *Progress) {
	for i, a := range p.Actions {
		for _, before := range earlier.Actions {
			if before.Status == eventlog.Succeeded && before.Mapping == a.Mapping && before.Name == a.Name {
				p.Actions[i] = before
			}
		}
	}
}
