// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"regexp"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// The variables of an expression.
const (
	rootBody       = "body"
	rootHeaders    = "headers"
	rootPreprocess = "preprocess"
)

var (
	pathPattern = regexp.MustCompile(`^(body|headers|preprocess)(\.[A-Za-z0-9_$-]+)*$`)
	minusLook   = regexp.MustCompile(`-(body|headers|preprocess)$`)
)

// path is a dotted path: a root and the segments behind it.
type path struct {
	root     string
	segments []string
}

func parsePath(text string) (path, bool) {
	if !pathPattern.MatchString(text) {
		return path{}, false
	}
	parts := strings.Split(text, ".")
	return path{root: parts[0], segments: parts[1:]}, true
}

// ParsePath returns the segments of a path below body, for what only takes paths.
func ParsePath(text string) ([]string, bool) {
	p, ok := parsePath(text)
	return p.segments, ok && p.root == rootBody
}

// warning names a segment that looks as if a subtraction was meant.
func (p path) warning() string {
	for _, segment := range p.segments {
		if minusLook.MatchString(segment) {
			return "this is a path with a segment named " + segment + "; for a subtraction put spaces around the minus sign"
		}
	}
	return ""
}

func (p path) eval(in *Input) (value []byte, ok bool, err error) {
	switch p.root {
	case rootBody:
		value, ok = rawjson.Lookup(in.body, p.segments)
		return value, ok, nil
	case rootHeaders:
		value, ok = p.header(in)
		return value, ok, nil
	default:
		value, ok = in.preprocessed(p.segments)
		return value, ok, nil
	}
}

func (p path) header(in *Input) ([]byte, bool) {
	switch len(p.segments) {
	case 0:
		return in.headerObject(), true
	case 1:
		value, ok := in.headers[p.segments[0]]
		if !ok {
			return nil, false
		}
		return rawjson.Quote(value), true
	default:
		return nil, false
	}
}
