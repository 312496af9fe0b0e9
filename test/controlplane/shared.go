// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"sync"
	"testing"
)

// Shared is one control plane for all tests of a package, started by the first test that asks for it. Tests keep
// apart by namespaces of their own. The zero value is ready:
//
//	var plane controlplane.Shared
//
//	func TestMain(m *testing.M) { os.Exit(plane.Main(m)) }
type Shared struct {
	once  sync.Once
	plane *ControlPlane
	err   error
}

// Main runs the tests, stops the control plane if one was started, and returns the process's exit code.
func (s *Shared) Main(m *testing.M) int {
	defer func() {
		if s.plane != nil {
			s.plane.stop()
		}
	}()
	return m.Run()
}

// Get returns the control plane, and starts it for the first test.
func (s *Shared) Get(tb testing.TB) *ControlPlane {
	tb.Helper()
	s.once.Do(func() { s.plane, s.err = start(tb.Context()) })
	if s.err != nil {
		tb.Fatalf("controlplane: %v", s.err)
	}
	return s.plane
}
