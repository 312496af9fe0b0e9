// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector multiplies the memory and the time that this test measures.

package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/report"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// answerLimit is the longest acceptable time between a request and its response, even while Redis does not reply.
const answerLimit = 5 * time.Second

// postAll sends requests from 16 senders for this duration, and returns the number of responses by status. It fails the
// test if a response takes longer than answerLimit.
func (p *process) postAll(duration time.Duration) map[int]int {
	var mu sync.Mutex
	var group sync.WaitGroup
	statuses := map[int]int{}
	end := time.Now().Add(duration)
	for sender := range 16 {
		group.Go(func() {
			<-time.After(time.Duration(sender) * 50 * time.Millisecond) // requests join a call to Redis at different times
			for i := 0; time.Now().Before(end); i++ {
				start := time.Now()
				status, _ := p.post(identify(sender*1_000_000+i, 100))
				took := time.Since(start)
				mu.Lock()
				statuses[status]++
				mu.Unlock()
				if took > answerLimit {
					p.t.Errorf("a response with status %d took %s", status, took)
				}
			}
		})
	}
	group.Wait()
	return statuses
}

func TestEveryRequestGetsAResponseWithin5SecondsWhenRedisHangs(t *testing.T) {
	redis := redistest.Start(t)
	p := startProcess(t, redis.Addr, "http://127.0.0.1:1", "")
	if status, answer := p.post(identify(0, 100)); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, answer)
	}
	signalRedis(t, redis, syscall.SIGSTOP)
	statuses := p.postAll(9 * time.Second)
	if len(statuses) != 1 || statuses[http.StatusTooManyRequests] == 0 {
		t.Errorf("responses by status: %v; want only status 429", statuses)
	}
	p.checkNamesRedis()
}

// signalRedis sends a signal to the process of a Redis server.
func signalRedis(t *testing.T, server *redistest.Server, signal syscall.Signal) {
	t.Helper()
	client := server.Client(t)
	info, err := client.Do(t.Context(), client.B().Info().Section("server").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(info)
	if found == nil {
		t.Fatalf("no process_id in %s", info)
	}
	pid, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

func TestEveryRequestGetsAResponseWithin5SecondsWhenRedisNeverReplies(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	p := startProcess(t, listener.Addr().String(), "http://127.0.0.1:1", "")
	statuses := p.postAll(9 * time.Second)
	if len(statuses) != 1 || statuses[http.StatusTooManyRequests] == 0 {
		t.Errorf("responses by status: %v; want only status 429", statuses)
	}
	p.checkNamesRedis()
}

// checkNamesRedis checks that the status report and the log name Redis as the cause. It ends the process.
func (p *process) checkNamesRedis() {
	p.t.Helper()
	_, body := p.get(layout.StatusPath)
	var status report.Report
	if err := json.Unmarshal(body, &status); err != nil {
		p.t.Fatal(err)
	}
	if problem := status.Redis.Problem; problem == "" || strings.Contains(problem, "context deadline exceeded") || !strings.Contains(problem, "Redis") {
		p.t.Errorf("Redis problem %q", problem)
	}
	_ = p.command.Process.Kill()
	_ = p.command.Wait() // the log is then complete
	if log := p.log.String(); strings.Contains(log, "context deadline exceeded") {
		p.t.Errorf("the log does not name Redis: %s", log)
	}
}
