// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/go-logr/logr"
)

// The formats of --log-format.
const (
	formatJSON = "json"
	formatText = "text"
)

// settings are the flags. They apply to the whole manager; settings of one Source belong in its spec.
type settings struct {
	image          string
	namespaces     string
	leaderElect    bool
	metricsAddress string
	healthAddress  string
	logLevel       slog.Level
	logFormat      string
}

// bind defines the flags and returns the settings that parsing them fills.
func bind(flags *flag.FlagSet) *settings {
	s := &settings{}
	flags.StringVar(&s.image, "image", os.Getenv("DOORBELL_IMAGE"), "image of the ingest pods, unless a Source sets its own; defaults to $DOORBELL_IMAGE")
	flags.StringVar(&s.namespaces, "namespaces", "", "comma-separated namespaces to watch; empty watches all namespaces")
	flags.BoolVar(&s.leaderElect, "leader-elect", false, "elect a leader, so that only one of several replicas is active")
	flags.StringVar(&s.metricsAddress, "metrics-bind-address", ":8443", "address that serves /metrics over HTTPS to clients that RBAC authorizes; 0 disables metrics")
	flags.StringVar(&s.healthAddress, "health-probe-bind-address", ":8081", "address that serves /healthz and /readyz")
	flags.TextVar(&s.logLevel, "log-level", slog.LevelInfo, "lowest level that is logged: debug, info, warn or error")
	flags.StringVar(&s.logFormat, "log-format", formatJSON, "format of the log: json or text")
	return s
}

func (s *settings) check() error {
	switch {
	case s.image == "":
		return errors.New("--image is required: set it, or DOORBELL_IMAGE, to the image of the ingest pods")
	case s.logFormat != formatJSON && s.logFormat != formatText:
		return fmt.Errorf("invalid --log-format %q: must be %q or %q", s.logFormat, formatJSON, formatText)
	default:
		return nil
	}
}

// watched returns the namespaces to watch; none means all.
func (s *settings) watched() []string {
	var namespaces []string
	for name := range strings.SplitSeq(s.namespaces, ",") {
		if name = strings.TrimSpace(name); name != "" {
			namespaces = append(namespaces, name)
		}
	}
	return namespaces
}

// logger returns a logger in the chosen format and level.
func (s *settings) logger(to io.Writer) logr.Logger {
	options := &slog.HandlerOptions{Level: s.logLevel}
	if s.logFormat == formatText {
		return logr.FromSlogHandler(slog.NewTextHandler(to, options))
	}
	return logr.FromSlogHandler(slog.NewJSONHandler(to, options))
}
