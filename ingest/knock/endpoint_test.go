// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"maps"
	"slices"
	"testing"
)

func TestEveryEndpointHasARateAndARetryRule(t *testing.T) {
	for endpoint, c := range calls {
		if c.rate < 1 {
			t.Errorf("%s has no rate: add Knock's published limit to its line in endpoint.go", endpoint)
		}
		if c.retry < RetryHarmless || c.retry > RetryWithKey {
			t.Errorf("%s has no retry rule: add one to its line in endpoint.go", endpoint)
		}
	}
}

func TestOnlyTheseCallsRemoveTheirSubject(t *testing.T) {
	var removing []Endpoint
	for _, endpoint := range slices.Sorted(maps.Keys(calls)) {
		if endpoint.RetryRule() == RetryNotFoundIsSuccess {
			removing = append(removing, endpoint)
		}
	}
	if want := []Endpoint{DeleteObject, DeleteTenant, DeleteUser, MergeUser}; !slices.Equal(removing, want) {
		t.Errorf("got %v, want %v", removing, want)
	}
}

func TestAnUnknownEndpointHasTheLowestRateAndNoRetryRule(t *testing.T) {
	if unknown := Endpoint("unknown"); unknown.Rate() != 1 || unknown.RetryRule() != 0 {
		t.Errorf("got rate %d and retry rule %d", unknown.Rate(), unknown.RetryRule())
	}
}
