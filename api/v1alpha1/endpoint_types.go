// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OnDelete defines what happens to stored state when its Source is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type OnDelete string

// The values of OnDelete.
const (
	// OnDeleteRetain keeps the state. A new Source with the same name uses it.
	OnDeleteRetain OnDelete = "Retain"
	// OnDeleteDelete deletes the state with the Source.
	OnDeleteDelete OnDelete = "Delete"
)

// URLScheme is the scheme of the ingestion URL.
//
// +kubebuilder:validation:Enum=HTTP;HTTPS
type URLScheme string

// The schemes of the ingestion URL.
const (
	// URLSchemeHTTP is HTTP without encryption.
	URLSchemeHTTP URLScheme = "HTTP"
	// URLSchemeHTTPS is HTTP over TLS.
	URLSchemeHTTPS URLScheme = "HTTPS"
)

// Endpoint defines the ingestion URL, which has the form scheme://host/NAMESPACE/NAME/TOKEN. Doorbell writes the complete
// URL to the Secret NAME-endpoint, under the key url.
//
// +kubebuilder:validation:AtMostOneOf=ingress;httpRoute
// +kubebuilder:validation:XValidation:rule="has(self.host) || (!has(self.ingress) && !has(self.httpRoute))",fieldPath=".host",message="ingress and httpRoute require endpoint.host: the host name that senders use, such as events.example.com"
type Endpoint struct {
	// host is the host name in the ingestion URL, such as events.example.com. If it is omitted, the URL is the URL of the
	// Service, which senders can reach only inside the cluster.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="invalid host: use a DNS name without scheme, port and path, such as events.example.com"
	Host string `json:"host,omitempty"`

	// port is the port in the ingestion URL, if it is not the default port of the scheme.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// scheme is the scheme of the ingestion URL. If it is omitted, it is HTTP without a host and for an ingress without
	// tlsSecretName, and HTTPS otherwise. Set HTTPS if a load balancer in front of the Ingress terminates TLS.
	//
	// +optional
	Scheme URLScheme `json:"scheme,omitempty"`

	// ingress exposes the endpoint with an Ingress.
	//
	// +optional
	Ingress *Ingress `json:"ingress,omitempty"`

	// httpRoute exposes the endpoint with an HTTPRoute of the Gateway API.
	//
	// +optional
	HTTPRoute *HTTPRoute `json:"httpRoute,omitempty"`

	// token defines the secret token in the ingestion URL.
	//
	// +optional
	// +default={}
	Token Token `json:"token,omitempty,omitzero"`

	// onDelete defines what happens to the Secret with the URL when the Source is deleted. With Retain, a Source that you
	// delete and create again has the same URL.
	//
	// +optional
	// +default="Retain"
	OnDelete OnDelete `json:"onDelete,omitempty"`
}

// Ingress exposes an endpoint with an Ingress. The path of the Ingress does not contain the token.
type Ingress struct {
	// className is the name of the IngressClass. If it is omitted, the cluster's default class applies.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className,omitempty"`

	// tlsSecretName is the name of the Secret with the certificate for host. cert-manager can create it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	TLSSecretName string `json:"tlsSecretName,omitempty"`

	// annotations are added to the Ingress. For known ingress controllers, Doorbell adds annotations that disable redirects
	// to HTTPS, because RudderStack follows a redirect with an empty GET request, which loses the event. Your annotations
	// take precedence.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// HTTPRoute exposes an endpoint with an HTTPRoute of the Gateway API. The path of the HTTPRoute does not contain the token.
type HTTPRoute struct {
	// parentRefs are the Gateways to which the route is attached.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	ParentRefs []GatewayReference `json:"parentRefs,omitempty"`

	// annotations are added to the HTTPRoute.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GatewayReference refers to a Gateway, or to one listener of a Gateway.
type GatewayReference struct {
	// name is the name of the Gateway.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// namespace is the namespace of the Gateway. If it is omitted, it is the namespace of the Source.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// sectionName is the name of a listener of the Gateway. If it is omitted, the route is attached to all listeners. Set it
	// to the HTTPS listener if another listener redirects to HTTPS.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty"`
}

// Token defines the token, which is the secret last segment of the ingestion URL.
type Token struct {
	// secretRef refers to a token that you provide: 22 to 128 letters, digits, - and _. If it is omitted, Doorbell generates
	// a token.
	//
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// overlap is how long the previous token stays valid after a rotation, from 0s to 720h (30 days).
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('0s') && duration(self) <= duration('720h')",message="invalid duration: use a value from 0s to 720h, such as 24h"
	Overlap *metav1.Duration `json:"overlap,omitempty"`
}
