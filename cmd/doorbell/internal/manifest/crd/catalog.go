// SPDX-License-Identifier: Apache-2.0

// Package crd validates objects as the API server would: it runs the API server's own code with the schemas, defaults and
// CEL rules of CustomResourceDefinitions. Package manifest uses it for every object that it reads. The package must never
// accept an object that a cluster would reject.
package crd

import (
	"errors"
	"fmt"
	"io/fs"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Catalog holds the schemas of a set of kinds. It is safe for concurrent use.
type Catalog struct {
	kinds map[schema.GroupVersionKind]*kind
}

// kind is one served version of a CustomResourceDefinition.
type kind struct {
	schema    *structural.Structural
	validator validation.SchemaValidator
	rules     *cel.Validator // nil if the schema has no rules
}

// Load reads the CustomResourceDefinitions from the YAML files at the root of each file system, and ignores other objects.
// It takes tens of milliseconds, because it compiles the rules.
func Load(systems ...fs.FS) (*Catalog, error) {
	catalog := &Catalog{kinds: map[schema.GroupVersionKind]*kind{}}
	for _, system := range systems {
		names, _ := fs.Glob(system, "*.yaml") // fails for a malformed pattern only
		for _, name := range names {
			if err := catalog.addFile(system, name); err != nil {
				return nil, fmt.Errorf("CRD %s: %w", name, err)
			}
		}
	}
	return catalog, nil
}

// Has reports whether the catalog can check objects of this kind.
func (c *Catalog) Has(gvk schema.GroupVersionKind) bool { return c.kinds[gvk] != nil }

func (c *Catalog) addFile(fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(data, &definition); err != nil {
		return err
	}
	for _, version := range definition.Spec.Versions { // none if the file holds another kind
		if !version.Served {
			continue
		}
		k, err := newKind(version)
		if err != nil {
			return fmt.Errorf("version %s: %w", version.Name, err)
		}
		c.kinds[schema.GroupVersionKind{Group: definition.Spec.Group, Version: version.Name, Kind: definition.Spec.Names.Kind}] = k
	}
	return nil
}

func newKind(version apiextensionsv1.CustomResourceDefinitionVersion) (*kind, error) {
	if version.Schema == nil {
		return nil, errors.New("no schema")
	}
	var internal apiextensions.CustomResourceValidation
	err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, &internal, nil)
	if err != nil {
		return nil, fmt.Errorf("convert schema: %w", err)
	}
	shape, err := structural.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("schema is not structural: %w", err)
	}
	validator, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &kind{schema: shape, validator: validator, rules: cel.NewValidator(shape, true, celconfig.PerCallLimit)}, nil
}
