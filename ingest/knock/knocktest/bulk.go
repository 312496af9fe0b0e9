// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"strings"
	"time"
)

// operation is a bulk identify. With WithBulkDuration it is completed when its time has come. Otherwise the first poll
// returns the status processing, and the second poll returns completed. In both cases, the users change when the
// operation is completed, in the order of the rows.
type operation struct {
	id, status  string
	users       []any
	failed      []map[string]string
	inserted    string
	completesAt time.Time // zero: at the second poll
}

func (s *store) bulkIdentify(c *call) (any, *rejection) {
	users := list(c.body, "users")
	seen, skipped := map[string]bool{}, []string{}
	for _, user := range users {
		if seen[name(user)] {
			return nil, invalid(wrong("users", "must not have two rows of one user"))
		}
		seen[name(user)] = true
		if s.skipRows[name(user)] {
			skipped = append(skipped, name(user))
		}
	}
	if len(skipped) > 0 {
		c.header = map[string]string{"X-Ratelimited-Users": strings.Join(skipped, ",")}
	}
	started := &operation{
		id: s.newID(), status: "queued", users: users, failed: []map[string]string{}, inserted: s.timestamp(),
	}
	if s.bulkDuration > 0 {
		started.completesAt = s.now().Add(s.bulkDuration)
		s.running = append(s.running, started)
	}
	s.operations[started.id] = started
	return s.operationView(started), nil
}

func (s *store) poll(c *call) (any, *rejection) {
	polled, ok := s.operations[c.ids["operation"]]
	if !ok {
		return nil, notFound("the bulk operation was not found")
	}
	switch {
	case polled.status == "queued":
		polled.status = "processing"
	case polled.status == "processing" && polled.completesAt.IsZero():
		s.complete(polled)
	}
	return s.operationView(polled), nil
}

// completeDue completes the operations whose time has come, in the order in which they began. The store calls it before
// it executes a call, so that each call finds the users as they are at its time.
func (s *store) completeDue() {
	for len(s.running) > 0 && !s.now().Before(s.running[0].completesAt) {
		s.complete(s.running[0])
		s.running = s.running[1:]
	}
}

func (s *store) complete(o *operation) {
	o.status = "completed"
	for _, user := range o.users {
		switch id := name(user); {
		case s.failRows[id]:
			o.failed = append(o.failed, map[string]string{"id": id})
		case !s.skipRows[id]:
			s.refer(user)
		}
	}
}

func (s *store) operationView(o *operation) Properties {
	processed := 0
	if o.status == "completed" {
		processed = len(o.users)
	}
	return Properties{
		"__typename": "BulkOperation", "id": o.id, "name": "users.identify", "status": o.status,
		"estimated_total_rows": len(o.users), "processed_rows": processed,
		"success_count": processed - len(o.failed), "error_count": len(o.failed), "error_items": o.failed,
		"progress_path": "/v1/bulk_operations/" + o.id, "inserted_at": o.inserted, "updated_at": s.timestamp(),
	}
}
