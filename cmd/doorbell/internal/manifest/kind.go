// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/text"
	"github.com/doorbell-dev/doorbell/ingest/nearest"
)

// The kinds that are read.
const (
	kindSource        = "Source"
	kindActionMapping = "ActionMapping"
	kindSecret        = "Secret"
)

// annotationTemplate with the value "true" marks a Secret whose values are still to be written.
const annotationTemplate = "doorbell.dev/template"

// apiVersionOf says which apiVersion a kind has; "" for kinds that are not read.
func apiVersionOf(kind string) string {
	switch kind {
	case kindSource, kindActionMapping:
		return v1alpha1.SchemeGroupVersion.String()
	case kindSecret:
		return "v1"
	default:
		return ""
	}
}

// verdict is what to do with an object of some kind.
type verdict int

const (
	take verdict = iota
	leave
	// pass leaves an object alone without a word: it belongs to every set of manifests, and means nothing here.
	pass
	refuse
)

// judge decides by apiVersion and kind. A refusal comes with the field and the advice.
func judge(apiVersion, kind string) (verdict, text.Problem) {
	right := apiVersionOf(kind)
	switch {
	case right != "" && apiVersion == right:
		return take, text.Problem{}
	case right != "" && meansOurs(apiVersion):
		return refuse, text.Problem{Field: "apiVersion", Message: fmt.Sprintf("%s is of apiVersion %s; write that", kind, right)}
	case kind == "" && isOurs(apiVersion):
		return refuse, text.Problem{Field: "kind", Message: "missing; add kind: Source or kind: ActionMapping"}
	case kind == "":
		return leave, text.Problem{}
	case kind == "Namespace" && apiVersion == "v1":
		return pass, text.Problem{}
	}
	meant := nearest.Word(kind, []string{kindSource, kindActionMapping, kindSecret})
	switch {
	case isOurs(apiVersion) && meant == "":
		return refuse, text.Problem{Field: "kind", Message: fmt.Sprintf("there is no kind %s; write Source or ActionMapping", kind)}
	case meant != "" && right == "" && meansOurs(apiVersion):
		return refuse, text.Problem{Field: "kind", Message: fmt.Sprintf("there is no kind %s; did you mean %s?", kind, meant)}
	default:
		return leave, text.Problem{}
	}
}

// isOurs recognises our group, also misspelt.
func isOurs(apiVersion string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return nearest.Word(group, []string{v1alpha1.SchemeGroupVersion.Group}) != ""
}

// meansOurs is true of our group, and of no group at all: nobody else would be meant by it.
func meansOurs(apiVersion string) bool {
	return isOurs(apiVersion) || !strings.Contains(apiVersion, "/")
}
