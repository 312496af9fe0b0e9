// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector multiplies the memory and the time that this test measures.

package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// peakMemory returns the largest resident memory of the process so far, in MiB.
func (p *process) peakMemory() int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		p.t.Skip("this system does not report the memory of a process in /proc")
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		p.t.Fatalf("no VmHWM in %s", status)
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		p.t.Fatal(err)
	}
	return kib >> 10
}

// TestSixtyFourLargeBodiesAtOnceStayBelow300MiB sends large bodies with 64 connections at once, and again until each is
// accepted, as RudderStack does. Deliveries are suspended, because there is no API key: this test is about the memory
// for accepting events.
func TestSixtyFourLargeBodiesAtOnceStayBelow300MiB(t *testing.T) {
	const senders, size, limit = 64, 4_000_000, 300
	p := startProcess(t, redistest.Start(t).Addr, knocktest.New(t).URL, "")
	idle := p.peakMemory()
	var rejected atomic.Int64
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			body := identify(sender, size)
			for t.Context().Err() == nil {
				status, answer := p.post(body)
				switch status {
				case http.StatusOK:
					return
				case http.StatusTooManyRequests, 0: // 0: the connection was closed before the whole body was sent
					rejected.Add(1)
					<-time.After(50 * time.Millisecond) // the sender's backoff
				default:
					t.Errorf("status %d: %s", status, answer)
					return
				}
			}
		})
	}
	group.Wait()
	peak := p.peakMemory()
	t.Logf("%d MiB when idle, at most %d MiB; %d requests were rejected and sent again", idle, peak, rejected.Load())
	if peak > limit {
		t.Errorf("the process used %d MiB; want at most %d", peak, limit)
	}
}
