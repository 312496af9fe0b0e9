// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/redis/rueidis"
)

// floorCommand is the argument with which this program runs as the floor.
const floorCommand = "floor"

// runFloor is the simplest receiver that neither loses nor repeats an event: it parses the body and stores its message
// ID in Redis.
func runFloor(ctx context.Context, listen, redis string) error {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis}, DisableCache: true})
	if err != nil {
		return err
	}
	defer client.Close()
	accept := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var event struct{ MessageID string }
		if err == nil {
			err = json.Unmarshal(body, &event)
		}
		if err == nil {
			set := client.B().Set().Key("floor:" + event.MessageID).Value("1").Nx().Ex(24 * time.Hour).Build()
			err = client.Do(r.Context(), set).Error()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"accepted":1,"duplicates":0}`)
	}
	server := http.Server{Addr: listen, Handler: http.HandlerFunc(accept), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return server.ListenAndServe()
}
