// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/nearest"
)

// maxSuggestions is how many names of Sources a message lists.
const maxSuggestions = 5

// sourceNotFound returns the message for a mapping whose Source does not exist. It suggests what the author probably meant.
func (r *Reconciler) sourceNotFound(ctx context.Context, missing client.ObjectKey) (string, error) {
	list := &v1alpha1.SourceList{}
	if err := r.Client.List(ctx, list, client.InNamespace(missing.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return "", fmt.Errorf("list Sources: %w", err)
	}
	names := make([]string, len(list.Items))
	for i := range list.Items {
		names[i] = list.Items[i].Name
	}
	slices.Sort(names)
	return fmt.Sprintf("spec.sourceRef.name: Source %q does not exist in namespace %q; %s", missing.Name, missing.Namespace, suggestion(missing.Name, names)), nil
}

// suggestion says how to correct the name of a Source, given the names that exist, in alphabetical order.
func suggestion(name string, existing []string) string {
	if near := nearest.Word(name, existing); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(existing) == 0 {
		return "the namespace has no Source: create it, or create the ActionMapping in the namespace of its Source"
	}
	more := ""
	if len(existing) > maxSuggestions {
		existing, more = existing[:maxSuggestions], ", …"
	}
	return fmt.Sprintf("create it, or use an existing Source: %s%s", strings.Join(existing, ", "), more)
}
