// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/crd"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/text"
	"github.com/doorbell-dev/doorbell/ingest/nearest"
)

// templateAdvice says how a template becomes a Secret.
const templateAdvice = "a template: write your key into it and remove the annotation " + annotationTemplate + ", or set KNOCK_API_KEY"

// isTemplate is true of a Secret whose values are still to be written: it is as good as absent.
func isTemplate(value map[string]any) bool {
	metadata, _ := value["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	return annotations[annotationTemplate] == "true"
}

// secretReader checks a Secret field by field, as the API server would. It never puts a value into a message.
type secretReader struct {
	*parser
	node   *text.Node
	secret *corev1.Secret
}

func (p *parser) checkSecret(ctx context.Context, node *text.Node, value map[string]any) any {
	for _, finding := range crd.CheckMetadata(ctx, value) {
		p.add(node, text.Problem{Field: finding.Path, Message: finding.Message, Warning: finding.Warning})
	}
	namespace, _ := value["metadata"].(map[string]any)["namespace"].(string)
	r := secretReader{parser: p, node: node, secret: &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: apiVersionOf(kindSecret), Kind: kindSecret},
		ObjectMeta: metav1.ObjectMeta{Name: nameOf(value), Namespace: namespace},
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{},
	}}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		r.field(name, value[name])
	}
	if r.size() > corev1.MaxSecretSize {
		r.fail("data", "more than 1 MiB; make it smaller")
	}
	return r.secret
}

// field reads one field; stringData comes after data, so it wins.
func (r secretReader) field(name string, value any) {
	switch name {
	case "apiVersion", "kind", "metadata":
	case "data":
		r.values(name, value, decodeBase64)
	case "stringData":
		r.values(name, value, func(s string) ([]byte, string) { return []byte(s), "" })
	case "type":
		if kind, ok := value.(string); ok {
			r.secret.Type = corev1.SecretType(kind)
		} else if value != nil {
			r.fail(name, "must be a string; put it in quotes")
		}
	case "immutable":
		if _, ok := value.(bool); !ok && value != nil {
			r.fail(name, "must be true or false")
		}
	default:
		known := []string{"data", "stringData", "type", "immutable", "metadata"}
		if meant := nearest.Word(name, known); meant != "" {
			r.fail(name, "unknown field; did you mean "+meant+"?")
		} else {
			r.fail(name, "unknown field; plain text belongs under stringData")
		}
	}
}

// values reads data or stringData; decode returns the bytes, or what is wrong.
func (r secretReader) values(field string, value any, decode func(string) ([]byte, string)) {
	entries, ok := value.(map[string]any)
	if !ok {
		if value != nil {
			r.fail(field, "must be a mapping of names to values")
		}
		return
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		path := field + "." + key
		if len(validation.IsConfigMapKey(key)) > 0 {
			r.fail(path, "a key consists of letters, digits, -, _ and . only, at most 253 of them")
		}
		plain, ok := entries[key].(string)
		if !ok && entries[key] != nil {
			r.fail(path, "must be a string; put it in quotes")
			continue
		}
		decoded, mistake := decode(plain)
		if mistake != "" {
			r.fail(path, mistake)
			continue
		}
		r.warn(path, decoded)
		r.secret.Data[key] = decoded
	}
}

// decodeBase64 reads data as the API server does: line breaks within it are allowed.
func decodeBase64(encoded string) ([]byte, string) {
	decoded, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\r", "", "\n", "").Replace(encoded))
	if err != nil {
		return nil, "not base64; move the plain text to stringData"
	}
	return decoded, ""
}

// warn speaks of what is allowed, but seldom meant.
func (r secretReader) warn(path string, value []byte) {
	message := ""
	switch {
	case len(value) == 0:
		message = "has no value"
	case bytes.IndexByte(value, '\n') == len(value)-1:
		message = "ends in a line break; encode it with echo -n, or write it on one line"
	default:
		return
	}
	r.add(r.node, text.Problem{Field: path, Message: message, Warning: true})
}

func (r secretReader) fail(field, message string) {
	r.add(r.node, text.Problem{Field: field, Message: message})
}

// hideNested shortens the paths of problems to two parts: below the names in data, everything may be secret.
func hideNested(problems []text.Problem) {
	for i := range problems {
		top, name, _ := strings.Cut(problems[i].Field, ".")
		if end := strings.IndexAny(name, ".["); end >= 0 {
			problems[i].Field = top + "." + name[:end]
		}
	}
}

func (r secretReader) size() int {
	size := 0
	for _, value := range r.secret.Data {
		size += len(value)
	}
	return size
}
