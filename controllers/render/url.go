// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// URL returns the ingestion URL without the token, and its host. Without spec.endpoint.host it is the URL of the Service, which works
// only inside the cluster.
func URL(source *v1alpha1.Source) (base, host string) {
	endpoint := source.Spec.Endpoint
	host = endpoint.Host
	if host == "" {
		host = fmt.Sprintf("%s.%s.svc", IngestName(source), source.Namespace)
	}
	if endpoint.Port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(int(endpoint.Port)))
	}
	return strings.ToLower(string(scheme(&endpoint))) + "://" + host + path(source), host
}

// scheme returns the scheme of the ingestion URL: HTTPS by default, HTTP inside the cluster and for an Ingress without a certificate.
func scheme(endpoint *v1alpha1.Endpoint) v1alpha1.URLScheme {
	switch {
	case endpoint.Scheme != "":
		return endpoint.Scheme
	case endpoint.Host == "", endpoint.Ingress != nil && endpoint.Ingress.TLSSecretName == "":
		return v1alpha1.URLSchemeHTTP
	default:
		return v1alpha1.URLSchemeHTTPS
	}
}

// path returns the path of the ingestion URL without the token. It is unique to the Source, and routes match it.
func path(source *v1alpha1.Source) string { return "/" + source.Namespace + "/" + source.Name }
