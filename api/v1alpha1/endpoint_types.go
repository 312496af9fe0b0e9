// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OnDelete says what becomes of something that holds state when its Source is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type OnDelete string

// The ways to treat state when its Source is deleted.
const (
	// OnDeleteRetain keeps it; a Source of the same name goes on with it.
	OnDeleteRetain OnDelete = "Retain"
	// OnDeleteDelete removes it with the Source.
	OnDeleteDelete OnDelete = "Delete"
)

// URLScheme is the protocol of the URL that the sender is given.
//
// +kubebuilder:validation:Enum=HTTP;HTTPS
type URLScheme string

// The schemes of the sender's URL.
const (
	URLSchemeHTTP  URLScheme = "HTTP"
	URLSchemeHTTPS URLScheme = "HTTPS"
)

// Endpoint says at which URL the sender posts its events: scheme://host/NAMESPACE/NAME/TOKEN. Doorbell writes the whole URL
// into the Secret NAME-endpoint.
//
// +kubebuilder:validation:AtMostOneOf=ingress;httpRoute
// +kubebuilder:validation:XValidation:rule="has(self.host) || (!has(self.ingress) && !has(self.httpRoute))",fieldPath=".host",message="an ingress or httpRoute needs endpoint.host: the name that senders use, such as events.example.com"
type Endpoint struct {
	// host is the name by which senders reach the endpoint, such as events.example.com. Without it the URL is that of the
	// Service inside the cluster.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="write a DNS name without scheme, port or path, such as events.example.com"
	Host string `json:"host,omitempty"`

	// port of the URL, where it is not the scheme's own.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// scheme of the URL. HTTPS when there is a host, unless it has an ingress without tlsSecretName; HTTP otherwise. Say HTTPS where
	// something in front of the Ingress ends TLS.
	//
	// +optional
	Scheme URLScheme `json:"scheme,omitempty"`

	// ingress exposes the endpoint by an Ingress.
	//
	// +optional
	Ingress *Ingress `json:"ingress,omitempty"`

	// httpRoute exposes the endpoint by a Gateway API HTTPRoute.
	//
	// +optional
	HTTPRoute *HTTPRoute `json:"httpRoute,omitempty"`

	// token says where the secret last part of the URL comes from.
	//
	// +optional
	// +default={}
	Token Token `json:"token,omitempty,omitzero"`

	// onDelete says whether the Secret with the URL outlives the Source. With Retain, a Source that is deleted and applied
	// again has the same URL.
	//
	// +optional
	// +default="Retain"
	OnDelete OnDelete `json:"onDelete,omitempty"`
}

// Ingress exposes an endpoint by an Ingress. Its path ends before the token.
type Ingress struct {
	// className names the IngressClass. Leave it out for the cluster's default.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className,omitempty"`

	// tlsSecretName names the Secret with the certificate for host; cert-manager can fill it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	TLSSecretName string `json:"tlsSecretName,omitempty"`

	// annotations of the Ingress. For ingress-nginx and Traefik classes Doorbell switches redirects off, since a redirect
	// silently turns a sender's POST into a GET.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// HTTPRoute exposes an endpoint by a Gateway API HTTPRoute. Its path ends before the token.
type HTTPRoute struct {
	// parentRefs are the Gateways that take the route.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	ParentRefs []GatewayReference `json:"parentRefs,omitempty"`

	// annotations of the HTTPRoute.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GatewayReference names a Gateway, and perhaps one of its listeners.
type GatewayReference struct {
	// name of the Gateway.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// namespace of the Gateway. Leave it out for the Source's own.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// sectionName names a listener of the Gateway. Leave it out for all; name the HTTPS one where another redirects.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty"`
}

// Token says where the secret last part of the URL comes from, and how long an old one stays valid.
type Token struct {
	// secretRef names a Secret of yours, and the key in it, that holds the token: 22 to 128 letters, digits, - and _.
	// Leave it out and Doorbell makes one.
	//
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// overlap is how long the former token stays valid after a new one has taken its place: 0s to 720h.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('0s') && duration(self) <= duration('720h')",message="write a duration from 0s to 720h, such as 24h"
	Overlap *metav1.Duration `json:"overlap,omitempty"`
}
