// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// The layouts of Redis.
const (
	standalone = "Standalone"
	sentinel   = "Sentinel"
	cluster    = "Cluster"
)

// clusterShards spread one Source over the nodes of a Redis Cluster.
const clusterShards = 16

// settings are the flags. What may change while the process runs lies in the configuration's folder.
type settings struct {
	config, listen, admin, owner string
	drain                        time.Duration

	addresses, mode, master, serverName string
	database                            int
	tls                                 bool
}

func parse(args []string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("ingest", flag.ContinueOnError)
	flags.StringVar(&s.config, "config", layout.ConfigDirectory, "folder with the configuration and the secrets")
	flags.StringVar(&s.listen, "listen", fmt.Sprintf(":%d", layout.EventsPort), "address for the senders' requests")
	flags.StringVar(&s.admin, "admin", fmt.Sprintf(":%d", layout.AdminPort), "address of /healthz, /readyz, /metrics and /status")
	flags.DurationVar(&s.drain, "drain", 0, "how long requests are still taken after the process was told to stop")
	flags.StringVar(&s.owner, "owner", "", "names this process and those it succeeds, such as its pod's UID: it goes on at once where one of them was killed")
	flags.StringVar(&s.addresses, "redis-address", "", "HOST:PORT of Redis; several, separated by commas, for sentinels or a cluster")
	flags.StringVar(&s.mode, "redis-mode", standalone, "Standalone, Sentinel or Cluster")
	flags.StringVar(&s.master, "redis-master", "", "name by which the sentinels know the master")
	flags.IntVar(&s.database, "redis-database", 0, "database of Redis")
	flags.BoolVar(&s.tls, "redis-tls", false, "encrypt the connections to Redis")
	flags.StringVar(&s.serverName, "redis-server-name", "", "name that the certificate of Redis must have, where it is not the address's")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	return s, s.check()
}

func (s *settings) check() error {
	switch {
	case len(s.redisAddresses()) == 0:
		return fmt.Errorf("--redis-address: name the Redis that keeps the events, such as redis:6379")
	case s.mode != standalone && s.mode != sentinel && s.mode != cluster:
		return fmt.Errorf("--redis-mode %s: want %s, %s or %s", s.mode, standalone, sentinel, cluster)
	case s.mode == sentinel && s.master == "":
		return fmt.Errorf("--redis-master: mode %s needs the name by which the sentinels know the master", sentinel)
	default:
		return nil
	}
}

// redisAddresses leaves out what is empty.
func (s *settings) redisAddresses() []string {
	return strings.FieldsFunc(s.addresses, func(r rune) bool { return r == ',' || r == ' ' })
}

func (s *settings) shards() int {
	if s.mode == cluster {
		return clusterShards
	}
	return 1
}
