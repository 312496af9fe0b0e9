// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// The event contains bytes that a JSON encoder may change: characters that Go escapes for HTML, line separators,
// numbers that a double cannot hold, escapes, and a key that occurs twice.
func TestKnockGetsTheBytesOfTheEventAtEveryAttempt(t *testing.T) {
	t.Parallel()
	const user = `<script>&amp;`
	const properties = "{\"<b>&\":\"<script>&amp;\",\"line\u2028\":\"\u2028\u2029\",\"escaped\":\"\\u003c\\/\\u00e9\",\"double\":1.0," +
		"\"large\":1e400,\"integer\":12345678901234567890,\"twice\":1,\"twice\":2,\"nested\":{\"<\":[\"&\",null]}}"
	const event = `{"type":"track","event":"Order Completed","messageId":"bytes","userId":"` + user + `","properties":` + properties + `}`

	s := newDevFixture(t)
	s.knock.Respond(func(call knocktest.Call) *knocktest.Answer {
		if call.Seq == 1 {
			return &knocktest.Answer{Status: http.StatusInternalServerError}
		}
		return nil
	})
	newSender(t).expectAccepted(t, s.start().url, event, 1, 0)
	s.awaitCalls("the second attempt", knocktest.Answered(2))

	want := `{"recipients":["` + user + `"],"data":` + properties + `}`
	for _, call := range s.knock.Calls() {
		if call.Endpoint != knock.TriggerWorkflow || strings.TrimSpace(call.Body) != want {
			t.Errorf("attempt %d at %s sends\n%s\nwant\n%s", call.Seq, call.Endpoint, call.Body, want)
		}
	}
}
