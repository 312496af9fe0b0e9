// SPDX-License-Identifier: Apache-2.0

package render

import (
	"net"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// networkPolicy returns the NetworkPolicy of the ingest pods. Anyone can connect to the events port, and only pods of the cluster to the
// admin port. The ingest pods can connect to DNS, Redis and Knock.
func (r *renderer) networkPolicy() *networkingv1ac.NetworkPolicyApplyConfiguration {
	anyPod := networkingv1ac.NetworkPolicyPeer().WithNamespaceSelector(metav1ac.LabelSelector())
	spec := networkingv1ac.NetworkPolicySpec().WithPodSelector(selector(Selector(r.Source, ComponentIngest))).
		WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
		WithIngress(
			networkingv1ac.NetworkPolicyIngressRule().WithPorts(tcp(layout.EventsPort)),
			networkingv1ac.NetworkPolicyIngressRule().WithFrom(anyPod).WithPorts(tcp(layout.AdminPort))).
		WithEgress(
			networkingv1ac.NetworkPolicyEgressRule().WithPorts(port(corev1.ProtocolUDP, 53), tcp(53)),
			networkingv1ac.NetworkPolicyEgressRule().WithPorts(r.knockPorts()...))
	if external := r.spec.Redis.External; external != nil {
		spec.WithEgress(networkingv1ac.NetworkPolicyEgressRule().WithPorts(ports(external.Addresses)...))
	} else {
		redis := networkingv1ac.NetworkPolicyPeer().WithPodSelector(selector(Selector(r.Source, ComponentRedis)))
		spec.WithEgress(networkingv1ac.NetworkPolicyEgressRule().WithTo(redis).WithPorts(tcp(RedisPort)))
	}
	return networkingv1ac.NetworkPolicy(IngestName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentIngest)).
		WithOwnerReferences(r.owner()).WithSpec(spec)
}

// redisPolicy returns the NetworkPolicy of the managed Redis. Only the ingest pods of the Source can connect to it, and it can connect
// to nothing.
func (r *renderer) redisPolicy() *networkingv1ac.NetworkPolicyApplyConfiguration {
	own := networkingv1ac.NetworkPolicyPeer().WithPodSelector(selector(Selector(r.Source, ComponentIngest)))
	return networkingv1ac.NetworkPolicy(RedisName(r.Source), r.Source.Namespace).WithLabels(r.labels(ComponentRedis)).
		WithOwnerReferences(r.owner()).
		WithSpec(networkingv1ac.NetworkPolicySpec().WithPodSelector(selector(Selector(r.Source, ComponentRedis))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
			WithIngress(networkingv1ac.NetworkPolicyIngressRule().WithFrom(own).WithPorts(tcp(RedisPort))))
}

// knockPorts returns the ports at which Knock is reached: 443, and the port of spec.knock.baseURL.
func (r *renderer) knockPorts() []*networkingv1ac.NetworkPolicyPortApplyConfiguration {
	numbers := []int32{443}
	if base, err := url.Parse(r.spec.Knock.BaseURL); err == nil {
		number, err := strconv.ParseInt(base.Port(), 10, 32)
		switch {
		case err == nil:
			numbers = append(numbers, int32(number))
		case base.Scheme == "http":
			numbers = append(numbers, 80)
		}
	}
	return unique(numbers)
}

// ports returns the ports of HOST:PORT addresses, and the default port of Redis: Sentinel and Cluster announce further servers, which
// usually listen on that port.
func ports(addresses []string) []*networkingv1ac.NetworkPolicyPortApplyConfiguration {
	numbers := []int32{RedisPort}
	for _, address := range addresses {
		if _, text, err := net.SplitHostPort(address); err == nil {
			if number, err := strconv.ParseInt(text, 10, 32); err == nil {
				numbers = append(numbers, int32(number))
			}
		}
	}
	return unique(numbers)
}

// unique returns TCP ports in ascending order, without duplicates.
func unique(numbers []int32) []*networkingv1ac.NetworkPolicyPortApplyConfiguration {
	slices.Sort(numbers)
	var out []*networkingv1ac.NetworkPolicyPortApplyConfiguration
	for _, number := range slices.Compact(numbers) {
		out = append(out, tcp(number))
	}
	return out
}

func tcp(number int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return port(corev1.ProtocolTCP, number)
}

func port(protocol corev1.Protocol, number int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(number))
}
