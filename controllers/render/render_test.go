// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/test/golden"
)

var update = golden.Flag()

const current = "current_token_aaaaaaaaaaaaaaaa"

// input returns the input of a case: the Source in testdata/NAME.input.yaml, with fixed secrets.
func input(t *testing.T, name string) render.Input {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".input.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	source := &v1alpha1.Source{}
	if err := yaml.UnmarshalStrict(data, source); err != nil {
		t.Fatal(err)
	}
	source.UID = "11111111-2222-3333-4444-555555555555"
	in := render.Input{
		Source: source, Image: "ghcr.io/doorbell-dev/doorbell:v1.0.0", GatewayAPI: true,
		Bundle: &document.Bundle{Version: "0123456789abcdef", Manifest: []byte(`{"version":"0123456789abcdef"}`), Parts: [][]byte{[]byte("one"), []byte("two")}},
		Tokens: render.Tokens{Current: current, Shown: current, Published: true},
		Redis:  render.RedisCredentials{Username: "doorbell", Password: "a_password"},
	}
	if name == "rotation" {
		in.Tokens = render.Tokens{
			Current: current, Previous: "previous_token_bbbbbbbbbbbbbbb", PreviousUntil: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
			Shown: "previous_token_bbbbbbbbbbbbbbb", Rotation: "2026-11-24",
		}
	}
	return in
}

// names returns the names of the cases.
func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.input.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".input.yaml")
	}
	return files
}

func TestRenderedObjectsMatchTheGoldenFiles(t *testing.T) {
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			var rendered bytes.Buffer
			for _, object := range render.Source(input(t, name)) {
				encoded, err := yaml.Marshal(object)
				if err != nil {
					t.Fatal(err)
				}
				rendered.WriteString("---\n")
				rendered.Write(encoded)
			}
			golden.Check(t, *update, filepath.Join("testdata", name+".golden.yaml"), rendered.Bytes())
		})
	}
}

func TestSecretsAppearOnlyInSecrets(t *testing.T) {
	for _, name := range names(t) {
		in := input(t, name)
		for _, object := range render.Source(in) {
			encoded, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(encoded, []byte("kind: Secret")) {
				continue
			}
			for _, secret := range []string{in.Tokens.Current, in.Redis.Password} {
				if bytes.Contains(encoded, []byte(secret)) {
					t.Errorf("%s: %q appears in\n%s", name, secret, encoded)
				}
			}
		}
	}
}

func TestIngestionURL(t *testing.T) {
	for name, tc := range map[string]struct {
		endpoint   v1alpha1.Endpoint
		base, host string
	}{
		"without a host, the URL of the Service":     {v1alpha1.Endpoint{}, "http://shop-ingest.production.svc/production/shop", "shop-ingest.production.svc"},
		"a host uses HTTPS by default":               {v1alpha1.Endpoint{Host: "e.com"}, "https://e.com/production/shop", "e.com"},
		"an Ingress without a certificate uses HTTP": {v1alpha1.Endpoint{Host: "e.com", Ingress: &v1alpha1.Ingress{}}, "http://e.com/production/shop", "e.com"},
		"a given scheme is used":                     {v1alpha1.Endpoint{Host: "e.com", Ingress: &v1alpha1.Ingress{}, Scheme: "HTTPS"}, "https://e.com/production/shop", "e.com"},
		"a port is part of the host":                 {v1alpha1.Endpoint{Host: "e.com", Port: 8443}, "https://e.com:8443/production/shop", "e.com:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			source := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: "shop"}, Spec: v1alpha1.SourceSpec{Endpoint: tc.endpoint}}
			if base, host := render.URL(source); base != tc.base || host != tc.host {
				t.Errorf("got %s, %s", base, host)
			}
		})
	}
}

func TestTheMemoryLimitOfRedisIsAtLeastItsRequest(t *testing.T) {
	in := input(t, "minimal")
	in.Source.Spec.Redis.Managed = &v1alpha1.ManagedRedis{Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")},
	}}
	for _, object := range render.Source(in) {
		if set, ok := object.(*appsv1ac.StatefulSetApplyConfiguration); ok {
			limits := *set.Spec.Template.Spec.Containers[0].Resources.Limits
			if got := limits.Memory().String(); got != "2Gi" {
				t.Errorf("limit %s; want 2Gi", got)
			}
			return
		}
	}
	t.Error("no StatefulSet")
}

func TestAUserCannotSetTheVariableWithTheUIDOfThePod(t *testing.T) {
	in := input(t, "minimal")
	in.Source.Spec.Ingest.Env = []corev1.EnvVar{{Name: "POD_UID", Value: "the same for all"}}
	for _, object := range render.Source(in) {
		if deployment, ok := object.(*appsv1ac.DeploymentApplyConfiguration); ok {
			for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
				if *variable.Name == "POD_UID" && (variable.Value != nil || variable.ValueFrom == nil) {
					t.Errorf("POD_UID is %v", *variable.Value)
				}
			}
		}
	}
}
