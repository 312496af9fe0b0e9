// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/base64"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// annotationTemplate with the value "true" marks a Secret that has placeholders instead of values.
const annotationTemplate = "doorbell.dev/template"

const templateAdvice = ", which is a template; write your key into it and remove the annotation " + annotationTemplate + ", or set KNOCK_API_KEY"

// checkBase64 finds values of data that are not base64. The schema cannot check them, because its message would contain
// the value.
func checkBase64(object map[string]any) []problem.Problem {
	var problems []problem.Problem
	data, _ := object["data"].(map[string]any)
	for key, encoded := range data {
		text, _ := encoded.(string)
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			problems = append(problems, problem.Problem{Field: "data." + key, Message: "not base64; write plain text under stringData"})
		}
	}
	return problems
}

// withStringData moves stringData to data, as the API server does. stringData overrides data.
func withStringData(secret *corev1.Secret) *corev1.Secret {
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, value := range secret.StringData {
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
	return secret
}

// hideNestedKeys shortens the path of each problem to data.KEY, because everything below it may be secret.
func hideNestedKeys(problems []problem.Problem) {
	for i, p := range problems {
		segments := strings.SplitN(p.Field, ".", 3)
		problems[i].Field = strings.Join(segments[:min(2, len(segments))], ".")
	}
}
