// SPDX-License-Identifier: Apache-2.0

package podsecrets_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/podsecrets"
)

// reference finds a field of type SecretKeyReference in a struct, by the indexes of the fields that lead to it.
type reference struct {
	path    string
	indexes []int
}

// references returns all fields of type SecretKeyReference below a struct.
func references(in reflect.Type, path string, indexes []int) []reference {
	var found []reference
	for i := range in.NumField() {
		field := in.Field(i)
		at := reference{path + "." + strings.Split(field.Tag.Get("json"), ",")[0], append(slices.Clone(indexes), i)}
		kind := field.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch {
		case kind == reflect.TypeFor[v1alpha1.SecretKeyReference]():
			found = append(found, at)
		case kind.Kind() == reflect.Struct && strings.HasSuffix(kind.PkgPath(), "api/v1alpha1"):
			found = append(found, references(kind, at.path, at.indexes)...)
		}
	}
	return found
}

// set sets a reference in a struct and allocates the pointers on the way.
func set(in reflect.Value, indexes []int, ref v1alpha1.SecretKeyReference) {
	for _, i := range indexes {
		in = in.Field(i)
		if in.Kind() == reflect.Pointer {
			if in.IsNil() {
				in.Set(reflect.New(in.Type().Elem()))
			}
			in = in.Elem()
		}
	}
	in.Set(reflect.ValueOf(ref))
}

func TestEveryReferenceOfASourceIsListed(t *testing.T) {
	all := references(reflect.TypeFor[v1alpha1.SourceSpec](), "spec", nil)
	if len(all) < 8 {
		t.Fatalf("found only %d references in the API", len(all))
	}
	for _, reference := range all {
		source, want := &v1alpha1.Source{}, v1alpha1.SecretKeyReference{Name: "name", Key: "key"}
		set(reflect.ValueOf(&source.Spec).Elem(), reference.indexes, want)
		at := slices.IndexFunc(podsecrets.Of(source), func(s podsecrets.Secret) bool { return s.Ref == want })
		if at < 0 {
			t.Errorf("%s is not listed: add it to podsecrets.Of", reference.path)
			continue
		}
		if secret := podsecrets.Of(source)[at]; !strings.HasPrefix(reference.path, secret.Field) || secret.Condition == "" {
			t.Errorf("%s is listed as %s with condition %q", reference.path, secret.Field, secret.Condition)
		}
	}
}
