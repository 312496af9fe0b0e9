// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// version is the version of the stored form that this version of Doorbell writes. It must grow when an older Doorbell
// would misunderstand the form. Version 0, which has neither a version nor Sent, was always stored before a request was
// sent.
const version = 1

// UnreadableError reports that a stored progress cannot be read.
type UnreadableError struct {
	// Sent reports whether a request of the plan may have been sent.
	Sent   bool
	reason string
}

// Error implements error. The text contains the reason why the progress cannot be read.
func (e *UnreadableError) Error() string { return "the stored plan cannot be read: " + e.reason }

// Decode decodes a stored progress. Every error is an *UnreadableError.
func Decode(stored []byte) (*Progress, error) {
	var header struct {
		Version int   `json:"version"`
		Sent    *bool `json:"sent"`
	}
	if err := json.Unmarshal(stored, &header); err != nil {
		return nil, &UnreadableError{Sent: true, reason: err.Error()}
	}
	sent := header.Sent == nil || *header.Sent
	if header.Version > version {
		reason := fmt.Sprintf("it has version %d; this Doorbell reads up to %d", header.Version, version)
		return nil, &UnreadableError{Sent: sent, reason: reason}
	}
	p := &Progress{}
	if err := json.Unmarshal(stored, p); err != nil {
		return nil, &UnreadableError{Sent: sent, reason: err.Error()}
	}
	p.Version, p.Sent = version, sent
	p.MarkStored()
	return p, nil
}

// Encode returns the stored form, or nil for a nil progress: the event has no plan yet.
func (p *Progress) Encode() []byte {
	if p == nil {
		return nil
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)              // a retry must send the bytes of the first attempt
	if err := encoder.Encode(p); err != nil { // cannot happen: the progress has plain values and valid JSON only
		panic(fmt.Sprintf("delivery: progress: %v", err))
	}
	return encoded.Bytes()
}
