// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// unusual is a value with every kind of byte that an encoder of JSON may change.
const unusual = "{\"<b>&\":\"<script>&amp;\",\"\u2028\":\"\u2029\",\"a\":[1.0,1e400,-0,12345678901234567890],\"e\":\"\\u003c\\u00E9\\/\",\"a\":0}"

// The test sends the planned requests with the client, and compares the bytes that reach the fake Knock.
func TestKnockGetsTheBytesOfTheEvent(t *testing.T) {
	const id = "<script>&amp;"
	body := "{ \"type\" : \"all\" , \"id\" : \"" + id + "\" , \"number\" : 12345678901234567890 , \"text\" : \"<&>\u2028\" ,\n \"raw\" : " + unusual + " }"
	program := compile(t, custom(t,
		`{"name":"user","event":"all","action":"identifyUser","parameters":{"id":"body.id","name":"body.text","propertiesFrom":"body.raw","properties":{"<k>":"body.raw"}}}`,
		`{"name":"object","event":"all","action":"setObject","parameters":{"collection":"<c>","id":"body.id","propertiesFrom":"body.raw"}}`,
		`{"name":"workflow","event":"all","action":"triggerWorkflow","parameters":{"workflow":"w","recipients":"body.id","cancellationKey":"body.number","data":{"<&>":"body.text + '>'","raw":"body.raw"}}}`,
	))
	fake := knocktest.New(t)
	client := knock.New(knock.Config{BaseURL: fake.URL, APIKey: func() string { return knocktest.APIKey }})
	events, err := event.Split([]byte(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range program.Plan(identified(t, program, string(events[0]))).Actions {
		if action.Skipped != "" {
			t.Fatal(action.Skipped)
		}
		for _, request := range action.Requests {
			if _, err := client.Do(t.Context(), request); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	for _, call := range fake.Calls() {
		path, err := url.PathUnescape(call.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, path+" "+call.Body)
	}
	want := []string{
		"/v1/users/" + id + ` {` + unusual[1:len(unusual)-1] + `,"<k>":` + unusual + ",\"name\":\"<&>\u2028\"}",
		"/v1/objects/<c>/" + id + " " + unusual,
		`/v1/workflows/w/trigger {"recipients":["` + id + `"],"data":{"<&>":"<&>` + "\u2028" + `>","raw":` + unusual + `},"cancellation_key":"12345678901234567890"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
