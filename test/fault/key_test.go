// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestARejectedKeyPausesDeliveriesUntilTheSecretIsCorrected(t *testing.T) {
	t.Parallel()
	s, rudder := newDevFixture(t), newSender(t)
	all := workload{users: 10, orders: 3}
	s.write("secret.yaml", keyManifest(wrongKey))
	p := s.start()

	rudder.expectAccepted(t, p.url, order(all.user(0), 0), 1, 0)
	s.awaitCalls("first rejection", rejections(1))
	for i := range all.users {
		for n := range all.orders {
			if i+n > 0 {
				rudder.expectAccepted(t, p.url, order(all.user(i), n), 1, 0)
			}
		}
	}
	s.awaitCalls("probes", rejections(3)) // after 1 s and 2 s; the next one would follow 4 s later
	probes := s.knock.Calls()
	for i := 1; i < len(probes); i++ {
		if gap := probes[i].At.Sub(probes[i-1].At); gap < 900*time.Millisecond {
			t.Errorf("probe %d began %v after the one before", i, gap)
		}
	}
	s.awaitLog(eventlog.Retrying, 1)
	const announcement = "Knock rejected the API key"
	if count := strings.Count(p.stderr.text(), announcement); count != 1 {
		t.Errorf("stderr contains %q %d times; want once:\n%s", announcement, count, p.stderr.text())
	}
	if ended := len(p.awaitEvents(0)); ended != 0 {
		t.Errorf("%d events were finished while the key was wrong", ended)
	}

	began := time.Now()
	s.write("secret.yaml", keyManifest(knocktest.APIKey))
	s.awaitCalls("run with the right key", workflowsRun(1))
	checkWithin(t, "the first run with the right key", began, 3500*time.Millisecond) // the next regular probe would be later
	all.checkDelivered(t, s)
}

// rejections returns a condition for awaitCalls: Knock answered at least count calls with 401.
func rejections(count int) func([]knocktest.Call) bool {
	return func(calls []knocktest.Call) bool {
		rejected := 0
		for _, call := range calls {
			if call.Status == http.StatusUnauthorized {
				rejected++
			}
		}
		return rejected >= count
	}
}

func TestSecretsAppearNeitherInLogsNorInRedis(t *testing.T) {
	t.Parallel()
	s, rudder := newDevFixture(t), newSender(t)
	s.write("source.yaml", sourceManifest+verificationManifest)
	s.knock.Respond(unreliable)
	s.write("secret.yaml", keyManifest(wrongKey)+"  sender: "+senderSecret+"\n")
	p := s.start()
	rudder.header = http.Header{"X-Sender": {senderSecret}, "Authorization": {"Bearer " + senderSecret}, "Cookie": {"s=" + senderSecret}}

	var answers strings.Builder
	post := func(url, body string) {
		status, text := rudder.post(t.Context(), url, body)
		fmt.Fprintln(&answers, status, text)
	}
	for n := range 20 {
		post(p.url, order("u_1", n))
		post(p.url, order("u_1", n))
	}
	post(p.url+"x", order("u_1", 1))
	post(p.url, `{"type":`)
	rudder.header = http.Header{"X-Sender": {"wrong"}}
	post(p.url, order("u_1", 1))
	s.awaitCalls("rejection", rejections(1))
	s.awaitLog(eventlog.Retrying, 1)
	whilePaused := dumpRedis(t, s)
	s.write("secret.yaml", keyManifest(knocktest.APIKey)+"  sender: "+senderSecret+"\n")
	s.awaitLog(eventlog.Succeeded, 20)

	secrets := []string{token(p.url), wrongKey, knocktest.APIKey, senderSecret}
	p.checkAbsent("Redis while paused", whilePaused, secrets)
	p.checkAbsent("Redis", dumpRedis(t, s), secrets)
	p.checkAbsent("an answer", answers.String(), secrets)
	if !strings.Contains(whilePaused, "messageId") || !strings.Contains(dumpRedis(t, s), "order-completed") {
		t.Error("the dumps of Redis do not contain events")
	}
}

const verificationManifest = `  verification:
    headerSecret: {name: X-Sender, secretRef: {name: knock, key: sender}}
`

// dumpRedis returns every key and value in Redis.
func dumpRedis(t *testing.T, s *devFixture) string {
	t.Helper()
	client := s.redis.Client(t)
	do := func(command ...string) string {
		values, err := client.Do(t.Context(), client.B().Arbitrary(command...).Build()).ToAny()
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		return fmt.Sprint(values)
	}
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	reads := map[string][]string{
		"string": {"GET"}, "hash": {"HGETALL"}, "list": {"LRANGE", "0", "-1"},
		"set": {"SMEMBERS"}, "zset": {"ZRANGE", "0", "-1", "WITHSCORES"},
	}
	var all strings.Builder
	for _, key := range keys {
		kind := do("TYPE", key)
		read, ok := reads[kind]
		if !ok {
			t.Fatalf("key %s has the type %s", key, kind)
		}
		fmt.Fprintln(&all, key, do(append([]string{read[0], key}, read[1:]...)...))
	}
	return all.String()
}
