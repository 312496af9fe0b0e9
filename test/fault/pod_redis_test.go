// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/report"
	"github.com/doorbell-dev/doorbell/test/loopback"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestAPodConnectsWhenTheRedisPasswordIsCorrected(t *testing.T) {
	t.Parallel()
	m, rudder := newPodFixture(t, redistest.Start(t, "--requirepass", "redis-password")), newSender(t)
	m.write("redis/password", "redis-password-of-yesterday\n")
	p := m.start()
	p.awaitReport("rejected password", func(r report.Report) bool {
		return r.Redis.State == report.RedisUnavailable && strings.Contains(r.Redis.Problem, "WRONGPASS")
	})
	if status, _ := rudder.post(t.Context(), p.at("first-token"), completed("u_1", 1)); status != http.StatusTooManyRequests {
		t.Errorf("without Redis: %d; want 429", status)
	}
	m.write("redis/password", "redis-password\n")
	p.awaitReport("Redis", connectedAndDurable)
	rudder.awaitAccepted(t, p.at("first-token"), completed("u_1", 1))
	m.awaitWorkflows("order")
}

// The server's certificate is self-signed and is valid for example.com.
func TestAPodConnectsToRedisWithTLS(t *testing.T) {
	t.Parallel()
	certificate, key := certificate(t)
	directory := t.TempDir()
	for name, data := range map[string][]byte{"tls.crt": certificate, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(directory, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port := loopback.FreePort(t)
	server := redistest.Start(t, "--port", "0", "--tls-port", port, "--tls-auth-clients", "no",
		"--tls-cert-file", filepath.Join(directory, "tls.crt"), "--tls-key-file", filepath.Join(directory, "tls.key"))
	server.Addr = "127.0.0.1:" + port
	m, rudder := newPodFixture(t, server), newSender(t)
	m.flags = []string{"--redis-tls", "--redis-server-name", "example.com"}
	p := m.start()
	p.awaitReport("certificate of an unknown authority", func(r report.Report) bool {
		return r.Redis.State == report.RedisUnavailable && strings.Contains(r.Redis.Problem, "unknown authority")
	})
	m.write("redis/ca.crt", string(certificate))
	p.awaitReport("Redis", connectedAndDurable)
	rudder.awaitAccepted(t, p.at("first-token"), completed("u_1", 1))
	m.awaitWorkflows("order")
}

// certificate returns the test certificate of net/http/httptest and its key, in PEM format.
func certificate(t *testing.T) (certificate, key []byte) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	pair := server.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func TestAPodFollowsTheSentinelsToAnotherMaster(t *testing.T) {
	t.Parallel()
	const password = "redis-password"
	secured := []string{"--requirepass", password, "--masterauth", password}
	master := redistest.Start(t, secured...)
	host, port, _ := strings.Cut(master.Addr, ":")
	replica := redistest.Start(t, append(secured, "--replicaof", host+" "+port)...)
	m := newPodFixture(t, redistest.StartSentinel(t, master, password))
	m.write("redis/password", password)
	m.flags = []string{"--redis-mode", "Sentinel", "--redis-master", redistest.MasterName, "--redis-database", "3"}
	m.deliverThrough(func() {
		master.AwaitCopy(t, replica, password)
		master.Kill()
	})
}

func TestAPodUsesARedisCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	m := newPodFixture(t, nodes[0])
	m.flags = []string{"--redis-mode", "Cluster"}
	m.deliverThrough(func() {
		nodes[1].Kill()
		nodes[1].Start()
	})
}

// deliverThrough accepts events of many users while Knock is unavailable, breaks Redis in the middle, then makes Knock
// available and checks that every event is delivered once and in order.
func (m *podFixture) deliverThrough(breakRedis func()) {
	m.t.Helper()
	all, rudder := workload{users: 20, orders: 4}, newSender(m.t)
	m.knock.Respond(func(knocktest.Call) *knocktest.Answer {
		return &knocktest.Answer{Status: http.StatusServiceUnavailable}
	})
	p := m.start()
	p.awaitReport("Redis", connectedAndDurable)
	for n := range all.orders {
		if n == all.orders/2 {
			breakRedis()
		}
		for user := range all.users {
			rudder.awaitAccepted(m.t, p.at("first-token"), completed(all.user(user), n))
		}
	}
	m.knock.Respond(nil)
	eventually(m.t, "delivery of every event, once and in order", func() bool { return all.difference(m.knock) == "" })
}

// connectedAndDurable is a condition for awaitReport: Redis is connected and durable.
func connectedAndDurable(r report.Report) bool {
	return r.Redis == report.Redis{State: report.RedisConnected, Durable: true}
}
