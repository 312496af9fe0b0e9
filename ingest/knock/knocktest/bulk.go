// SPDX-License-Identifier: Apache-2.0

package knocktest

// operation is a bulk identify. The first poll finds it processing, the second completed; until then no user changes.
type operation struct {
	id       string
	status   string
	users    []any
	failed   []map[string]string
	inserted string
}

func (w *world) bulkIdentify(c *call) (any, *refusal) {
	started := &operation{
		id: w.newID(), status: "queued", users: list(c.body, "users"), failed: []map[string]string{}, inserted: w.timestamp(),
	}
	w.operations[started.id] = started
	return w.operationView(started), nil
}

func (w *world) poll(c *call) (any, *refusal) {
	polled, ok := w.operations[c.ids["operation"]]
	if !ok {
		return nil, notFound("the bulk operation was not found")
	}
	switch polled.status {
	case "queued":
		polled.status = "processing"
	case "processing":
		w.complete(polled)
	}
	return w.operationView(polled), nil
}

func (w *world) complete(o *operation) {
	o.status = "completed"
	for _, user := range o.users {
		if id := name(user); w.failRows[id] {
			o.failed = append(o.failed, map[string]string{"id": id})
		} else {
			w.refer(user)
		}
	}
}

func (w *world) operationView(o *operation) Properties {
	processed := 0
	if o.status == "completed" {
		processed = len(o.users)
	}
	return Properties{
		"__typename": "BulkOperation", "id": o.id, "name": "users.identify", "status": o.status,
		"estimated_total_rows": len(o.users), "processed_rows": processed,
		"success_count": processed - len(o.failed), "error_count": len(o.failed), "error_items": o.failed,
		"progress_path": "/v1/bulk_operations/" + o.id, "inserted_at": o.inserted, "updated_at": w.timestamp(),
	}
}
