// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"encoding/json"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
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

// Encode returns the stored form, or nil for a nil progress: the event has no plan yet. It writes the bodies of requests
// as they are, because a retry must send the bytes of the first attempt.
func (p *Progress) Encode() []byte {
	if p == nil {
		return nil
	}
	return p.appendJSON(make([]byte, 0, p.estimatedSize()))
}

// estimatedSize returns the length in bytes that the stored form seldom exceeds.
func (p *Progress) estimatedSize() int {
	size := 128
	for _, a := range p.Actions {
		size += 128 + len(a.Mapping) + len(a.Reason)
		for _, c := range a.Calls {
			r := &c.Request
			size += 256 + len(r.Path) + len(r.Body) + len(r.IdempotencyKey) + len(c.Response) + len(c.Failure)
		}
	}
	return size
}

func (p *Progress) appendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.Number("version", int64(p.Version))
	o.Bool("sent", p.Sent)
	o.OptionalNumber("spent", int64(p.Spent))
	o.OptionalText("timestamp", p.Timestamp)
	o.Texts("notes", p.Notes)
	o.OptionalText("reason", p.Reason)
	rawjson.AppendList(&o, "actions", p.Actions, func(a **Action, dst []byte) []byte { return (*a).appendJSON(dst) })
	return o.Close()
}

func (a *Action) appendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.Text("mapping", a.Mapping)
	o.Text("action", string(a.Name))
	o.Text("status", string(a.Status))
	o.OptionalText("reason", a.Reason)
	o.Texts("notes", a.Notes)
	o.OptionalNumber("attempts", int64(a.Attempts))
	o.OptionalText("cause", string(a.Cause))
	o.OptionalNumber("failures", int64(a.Failures))
	rawjson.AppendList(&o, "calls", a.Calls, func(c **Call, dst []byte) []byte { return (*c).appendJSON(dst) })
	return o.Close()
}

func (c *Call) appendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.Value("request", c.appendRequest)
	if c.Done {
		o.Bool("done", true)
	}
	o.OptionalText("failure", c.Failure)
	o.OptionalNumber("status", int64(c.Status))
	o.OptionalText("response", c.Response)
	o.Time("at", c.At)
	o.OptionalNumber("took", int64(c.Took))
	if c.Bulk != nil {
		o.Value("bulk", c.Bulk.appendJSON)
	}
	return o.Close()
}

func (b *Bulk) appendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.OptionalText("operation", b.Operation)
	if b.Pending {
		o.Bool("pending", true)
	}
	if !b.Until.IsZero() {
		o.Time("until", &b.Until)
	}
	return o.Close()
}

func (c *Call) appendRequest(dst []byte) []byte {
	r, o := &c.Request, rawjson.OpenObject(dst)
	o.Text("endpoint", string(r.Endpoint))
	o.Text("method", r.Method)
	o.Text("path", r.Path)
	o.Raw("body", r.Body)
	o.OptionalText("idempotencyKey", r.IdempotencyKey)
	return o.Close()
}
