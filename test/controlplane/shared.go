// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"sync"
	"testing"
)

// Shared is a control plane that all tests of a package share. The first test that calls Get starts it. Each test should
// use a namespace of its own. The zero value is ready to use:
//
//	var plane controlplane.Shared
//
//	func TestMain(m *testing.M) { os.Exit(plane.Main(m)) }
type Shared struct {
	once  sync.Once
	plane *ControlPlane
	err   error
}

// Main runs the tests, stops the control plane if one was started, and returns the exit code for the process.
func (s *Shared) Main(m *testing.M) int {
	defer func() {
		if s.plane != nil {
			s.plane.stop()
		}
	}()
	return m.Run()
}

// Get returns the control plane. The first call starts it.
func (s *Shared) Get(tb testing.TB) *ControlPlane {
	tb.Helper()
	s.once.Do(func() { s.plane, s.err = start(tb.Context()) })
	if s.err != nil {
		tb.Fatalf("controlplane: %v", s.err)
	}
	return s.plane
}
