// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"math/rand/v2"
	"time"

	"github.com/doorbell-dev/doorbell/test/checker"
)

// The faults of the processes, of Knock, and of the configuration.
var (
	killProcess = fault{"kill -9 of a process", func(w *world, r *rand.Rand) {
		s := checker.Pick(r, w.slots...)
		s.kill()
		time.Sleep(checker.Between(r, 0, 2*time.Second))
		s.start()
	}}
	freezeProcess = fault{"SIGSTOP of a process for longer than a lease", func(w *world, r *rand.Rand) {
		checker.Pick(r, w.slots...).freeze(lease + checker.Between(r, 100*time.Millisecond, 2*time.Second))
	}}
	edit = fault{"a configuration change", func(w *world, r *rand.Rand) {
		for range 3 {
			w.edit()
			time.Sleep(checker.Between(r, 100*time.Millisecond, time.Second))
		}
	}}
	knockOutage = fault{"an outage of Knock", func(w *world, r *rand.Rand) {
		w.knock.set(func(k *knockServer) { k.outage = true })
		time.Sleep(checker.Between(r, time.Second, 3*time.Second))
		w.knock.set(func(k *knockServer) { k.outage = false })
	}}
	knockHang = fault{"a hanging Knock", func(w *world, r *rand.Rand) {
		w.knock.set(func(k *knockServer) { k.hanging = true })
		time.Sleep(checker.Between(r, time.Second, 3*time.Second))
		w.knock.set(func(k *knockServer) { k.hanging = false })
	}}
)
