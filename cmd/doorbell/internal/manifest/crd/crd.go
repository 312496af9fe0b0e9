// SPDX-License-Identifier: Apache-2.0

// Package crd checks objects as an API server would on "kubectl apply": with the schemas, defaults and CEL rules of
// the CustomResourceDefinitions, by the API server's own code.
package crd

import (
	"context"
	"fmt"
	"io/fs"
	"path"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Catalog holds what is known of each kind.
type Catalog struct {
	kinds map[schema.GroupVersionKind]*kind
}

// kind is one served version of a CustomResourceDefinition.
type kind struct {
	schema    *structural.Structural
	validator validation.SchemaValidator
	rules     *cel.Validator // nil without rules
	// status is set when status is a subresource: then an applied status is ignored.
	status bool
}

// Load reads every CustomResourceDefinition among the YAML files at the root of fsys. Compiling the rules takes tens
// of milliseconds; do it once.
func Load(fsys fs.FS) (*Catalog, error) {
	catalog := &Catalog{kinds: map[schema.GroupVersionKind]*kind{}}
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list CRDs: %w", err)
	}
	for _, name := range names {
		if err := catalog.addFile(fsys, name); err != nil {
			return nil, fmt.Errorf("CRD %s: %w", path.Base(name), err)
		}
	}
	return catalog, nil
}

// Has tells whether objects of this kind can be checked.
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
	if definition.Kind != "CustomResourceDefinition" {
		return nil // a kustomization.yaml, say
	}
	for _, version := range definition.Spec.Versions {
		if !version.Served {
			continue
		}
		k, err := newKind(version)
		if err != nil {
			return fmt.Errorf("version %s: %w", version.Name, err)
		}
		c.kinds[schema.GroupVersionKind{
			Group: definition.Spec.Group, Version: version.Name, Kind: definition.Spec.Names.Kind,
		}] = k
	}
	return nil
}

func newKind(version apiextensionsv1.CustomResourceDefinitionVersion) (*kind, error) {
	if version.Schema == nil {
		return nil, fmt.Errorf("it has no schema")
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
	if err := defaulting.PruneDefaults(shape); err != nil {
		return nil, fmt.Errorf("defaults: %w", err)
	}
	validator, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &kind{
		schema:    shape,
		validator: validator,
		rules:     cel.NewValidator(shape, true, celconfig.PerCallLimit),
		status:    version.Subresources != nil && version.Subresources.Status != nil,
	}, nil
}

// Check does to a namespaced object what creating it would, with strict field validation. It changes object in place:
// unknown fields go, defaults come. The findings are sorted; an object without any would be stored as it now is.
// It panics on a kind that the catalog does not have.
func (c *Catalog) Check(ctx context.Context, gvk schema.GroupVersionKind, object map[string]any) []Finding {
	k := c.kinds[gvk]
	meta, findings := checkMetadata(ctx, object)
	if meta != nil {
		findings = append(findings, k.prune(object)...)
		findings = append(findings, k.validate(ctx, object)...)
	}
	return sorted(findings)
}
