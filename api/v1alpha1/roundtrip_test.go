// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	configuration "github.com/doorbell-dev/doorbell/api/v1alpha1/applyconfiguration/api/v1alpha1"
)

// Omitted means all of the template's mappings, an empty list means none: both must survive every way through Go.
func TestOmittedAndEmptyDefaultMappingsStayApart(t *testing.T) {
	for name, test := range map[string]struct {
		defaults *[]string
		want     string
	}{
		"omitted": {nil, `{}`},
		"empty":   {&[]string{}, `{"defaultMappings":[]}`},
		"listed":  {&[]string{"identify-user"}, `{"defaultMappings":["identify-user"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			spec := v1alpha1.SourceSpec{DefaultMappings: test.defaults}
			again := &v1alpha1.SourceSpec{}
			decode(t, encode(t, spec.DeepCopy()), again)
			if diff := cmp.Diff(test.want, string(encode(t, again))); diff != "" {
				t.Errorf("type (-want +got):\n%s", diff)
			}

			applied := configuration.SourceSpec()
			decode(t, []byte(test.want), applied)
			if diff := cmp.Diff(test.want, string(encode(t, applied))); diff != "" {
				t.Errorf("apply configuration (-want +got):\n%s", diff)
			}
		})
	}
}

// What a client decodes and writes back must be what the server holds.
func TestAnAdmittedSourceRoundTripsThroughItsType(t *testing.T) {
	admitted := object(t, minimalSource)
	if errs := kinds(t)["Source"].admit(t, admitted); len(errs) > 0 {
		t.Fatal(errs)
	}
	source := &v1alpha1.Source{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(admitted, source, true); err != nil {
		t.Fatal(err)
	}
	again := object(t, string(encode(t, source)))
	if errs := kinds(t)["Source"].admit(t, again); len(errs) > 0 {
		t.Error(errs)
	}
	for _, side := range []map[string]any{admitted, again} { // 24h and 24h0m0s are equal
		spec := side["spec"].(map[string]any)
		spec["idempotency"].(map[string]any)["window"] = source.Spec.Idempotency.Window.Duration.String()
		spec["delivery"].(map[string]any)["timeout"] = source.Spec.Delivery.Timeout.Duration.String()
		spec["delivery"].(map[string]any)["retryFor"] = source.Spec.Delivery.RetryFor.Duration.String()
		spec["eventLog"].(map[string]any)["retention"] = source.Spec.EventLog.Retention.Duration.String()
	}
	if diff := cmp.Diff(admitted, again); diff != "" {
		t.Errorf("source (-server +client):\n%s", diff)
	}
}

func TestTheSchemeKnowsEveryKind(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for name, definition := range definitions(t) {
		for _, kind := range []string{definition.Spec.Names.Kind, definition.Spec.Names.ListKind} {
			if !scheme.Recognizes(v1alpha1.SchemeGroupVersion.WithKind(kind)) {
				t.Errorf("%s: the scheme does not know %s", name, kind)
			}
		}
	}
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}
