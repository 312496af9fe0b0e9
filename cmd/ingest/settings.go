// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// The values of --redis-mode.
const (
	standalone = "Standalone"
	sentinel   = "Sentinel"
	cluster    = "Cluster"
)

// clusterShards is the number of shards of an inbox in a Redis Cluster. It spreads one Source over the nodes of the
// cluster.
const clusterShards = 16

// shortestLease is the lowest value of --min-lease. A process needs four seconds of a lease for a call, and renews it when
// a third of it has passed.
const shortestLease = 7 * time.Second

// settings are the flags. Settings that may change while the process runs are in the configuration directory instead.
type settings struct {
	config, listen, admin, owner string
	drain, minLease              time.Duration

	addresses, mode, master, serverName string
	database, minReplicas               int
	tls                                 bool
}

// parse returns the settings of a command line, or an error that names the invalid flag.
func parse(args []string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("ingest", flag.ContinueOnError)
	flags.StringVar(&s.config, "config", layout.ConfigDirectory, "directory with the configuration and the secrets")
	flags.StringVar(&s.listen, "listen", fmt.Sprintf(":%d", layout.EventsPort), "address that receives the requests of senders")
	flags.StringVar(&s.admin, "admin", fmt.Sprintf(":%d", layout.AdminPort), "address of the admin port, which serves /healthz, /readyz, /metrics and /status")
	flags.DurationVar(&s.drain, "drain", 0, "how long the process still accepts requests after it receives SIGTERM")
	flags.DurationVar(&s.minLease, "min-lease", 30*time.Second, "shortest time for which a process keeps the exclusive right to deliver a user's events without renewing it; at least three delivery timeouts are used")
	flags.StringVar(&s.owner, "owner", "", "name that this process shares with the ones that it replaces, such as the UID of its pod; it takes over the leases of a killed process at once")
	flags.StringVar(&s.addresses, "redis-address", "", "HOST:PORT of Redis, or a comma-separated list of sentinels or cluster nodes")
	flags.StringVar(&s.mode, "redis-mode", standalone, "how Redis is deployed: Standalone, Sentinel or Cluster")
	flags.StringVar(&s.master, "redis-master", "", "name of the master that the sentinels monitor; required in mode Sentinel")
	flags.IntVar(&s.database, "redis-database", 0, "number of the Redis database")
	flags.IntVar(&s.minReplicas, "redis-min-replicas", 0, "number of replicas that must have an event on disk before its sender gets 200; more than 0 requires Redis 7.2 or Valkey")
	flags.BoolVar(&s.tls, "redis-tls", false, "connect to Redis with TLS")
	flags.StringVar(&s.serverName, "redis-server-name", "", "name in the certificate of Redis; default: the host name of the address")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: ingest accepts flags only", flags.Arg(0))
	}
	return s, s.check()
}

func (s *settings) check() error {
	switch {
	case len(s.redisAddresses()) == 0:
		return fmt.Errorf("--redis-address is required; set it to the address of Redis, such as redis:6379")
	case s.mode != standalone && s.mode != sentinel && s.mode != cluster:
		return fmt.Errorf("invalid --redis-mode %q: must be %q, %q or %q", s.mode, standalone, sentinel, cluster)
	case s.mode == sentinel && s.master == "":
		return fmt.Errorf("--redis-master is required with --redis-mode=%s; set it to the name of the master that the sentinels monitor", sentinel)
	case s.minLease < shortestLease:
		return fmt.Errorf("invalid --min-lease %s: must be at least %s", s.minLease, shortestLease)
	case s.minReplicas < 0:
		return fmt.Errorf("invalid --redis-min-replicas %d: must not be negative", s.minReplicas)
	default:
		return nil
	}
}

// redisAddresses returns the addresses in --redis-address. It skips empty ones.
func (s *settings) redisAddresses() []string {
	return strings.FieldsFunc(s.addresses, func(r rune) bool { return r == ',' || r == ' ' })
}

// shards returns the number of shards of a new inbox.
func (s *settings) shards() int {
	if s.mode == cluster {
		return clusterShards
	}
	return 1
}
