// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"os"
	"strings"
)

// settings are the flags. What concerns one Source stands in its spec.
type settings struct {
	image          string
	namespaces     string
	leaderElect    bool
	metricsAddress string
	healthAddress  string
}

func bind(flags *flag.FlagSet) *settings {
	s := &settings{}
	flags.StringVar(&s.image, "image", os.Getenv("DOORBELL_IMAGE"), "image that ingest pods run unless a Source names another; $DOORBELL_IMAGE otherwise")
	flags.StringVar(&s.namespaces, "namespaces", "", "namespaces to watch, separated by commas; empty watches all")
	flags.BoolVar(&s.leaderElect, "leader-elect", false, "let one of several replicas work at a time")
	flags.StringVar(&s.metricsAddress, "metrics-bind-address", ":8443", "address of /metrics, by HTTPS and for whom RBAC allows it; 0 serves none")
	flags.StringVar(&s.healthAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	return s
}

func (s *settings) check() error {
	if s.image == "" {
		return errors.New("--image: name the image that ingest pods run, or set DOORBELL_IMAGE")
	}
	return nil
}

// watched lists the namespaces; none means all.
func (s *settings) watched() []string {
	var namespaces []string
	for name := range strings.SplitSeq(s.namespaces, ",") {
		if name = strings.TrimSpace(name); name != "" {
			namespaces = append(namespaces, name)
		}
	}
	return namespaces
}
