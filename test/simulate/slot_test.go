// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"sync"
	"time"
)

// slot runs processes one after another, as kubelet restarts a container.
type slot struct {
	world *world
	name  string

	mu      sync.Mutex
	process *process // nil while none runs
}

// running returns the slot's process, or nil if there is none.
func (s *slot) running() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *slot) set(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = p
}

// run starts a new process whenever the previous one has ended, until over is closed.
func (s *slot) run(over <-chan struct{}) {
	owner := ""
	if s.world.plan.sameOwner {
		owner = "slot-" + s.name
	}
	time.Sleep(between(s.world.dice.named("first start", s.name), time.Millisecond, 100*time.Millisecond))
	for generation := 1; ; generation++ {
		p := startProcess(s.world, s.name, generation, owner)
		s.set(p)
		select {
		case <-p.ended:
		case <-over:
			return
		}
		s.set(nil)
		select {
		case <-time.After(between(s.world.dice.named("restart", p.name), 200*time.Millisecond, 15*time.Second)):
		case <-over:
			return
		}
	}
}

// stop stops the slot's process at the end of a schedule.
func (s *slot) stop() {
	if p := s.running(); p != nil {
		p.cancel() // not p.stop, which would excuse the process for what it has done before
		<-p.ended
	}
}

// runTimeline executes the faults and changes that the plan has for fixed times. They do not depend on the steps of a
// process.
func (w *world) runTimeline() {
	var all sync.WaitGroup
	happens := func(what string, count int, do func(r *slot, n int)) {
		for n := range count {
			r := w.dice.named("timeline", what, n)
			at, s := between(r, 5*time.Second, faultyTime-30*time.Second), pick(r, w.slots...)
			all.Go(func() {
				time.Sleep(at)
				do(s, n)
			})
		}
	}
	happens("sleep", w.plan.sleeps, func(s *slot, n int) {
		if p := s.running(); p != nil {
			p.sleep(between(w.dice.named("length of sleep", n), 32*time.Second, 70*time.Second))
		}
	})
	happens("stop", w.plan.stops, func(s *slot, _ int) {
		if p := s.running(); p != nil {
			w.history.add("%s     is told to stop", p.name)
			p.stop()
		}
	})
	happens("clock", w.plan.clockJumps, func(_ *slot, n int) { w.jumpClock(between(w.dice.named("jump", n), time.Second, 10*time.Minute)) })
	happens("clock back", w.plan.clockBack, func(_ *slot, n int) { w.jumpClock(-between(w.dice.named("jump back", n), time.Second, 30*time.Minute)) })
	happens("edit", w.plan.edits, func(*slot, int) { w.configure("edit", func(c *configuration) { c.edition++ }) })
	happens("rotation", w.plan.rotations, func(*slot, int) {
		w.knock.fake.SetAPIKey("sk_test_2")
		time.Sleep(between(w.dice.named("rotation"), time.Millisecond, 20*time.Second))
		w.configure("new API key", func(c *configuration) { c.apiKey = "sk_test_2" })
	})
	happens("suspension", w.plan.suspensions, func(*slot, int) {
		w.configure("suspend", func(c *configuration) { c.suspend = true })
		time.Sleep(between(w.dice.named("suspension"), time.Second, 40*time.Second))
		w.configure("resume", func(c *configuration) { c.suspend = false })
	})
	all.Wait()
}

func (w *world) jumpClock(by time.Duration) {
	w.history.add("redis   clock jumps by %v", by)
	w.redis.jump(by)
	if by > 0 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.jumps = append(w.jumps, time.Now())
	}
}
