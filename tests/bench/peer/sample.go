package main

import (
	"fmt"
	"strings"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tcp "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The configuration of tests/sample/sample.c, message for message.

const namePrefix = "egress|443||"

func sampleName(index int) string {
	return fmt.Sprintf("%ssvc-%06d.partner.example.com", namePrefix, index)
}

func packed(message proto.Message) *anypb.Any {
	made, err := anypb.New(message)
	if err != nil {
		panic(err)
	}
	return made
}

func address(host string, port uint32) *core.Address {
	return &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
		Address: host, PortSpecifier: &core.SocketAddress_PortValue{PortValue: port}}}}
}

func sampleCluster(index, revision int) *cluster.Cluster {
	name := sampleName(index)
	host := strings.TrimPrefix(name, namePrefix)
	limit := wrapperspb.UInt32(1024)
	return &cluster.Cluster{
		Name:                 name,
		ConnectTimeout:       durationpb.New(5500*time.Millisecond + time.Duration(revision%1000000*100)),
		ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_LOGICAL_DNS},
		DnsLookupFamily:      cluster.Cluster_V4_ONLY,
		CircuitBreakers: &cluster.CircuitBreakers{Thresholds: []*cluster.CircuitBreakers_Thresholds{
			{MaxConnections: limit, MaxPendingRequests: limit}}},
		LoadAssignment: &endpoint.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpoint.LocalityLbEndpoints{
			{LbEndpoints: []*endpoint.LbEndpoint{{HostIdentifier: &endpoint.LbEndpoint_Endpoint{
				Endpoint: &endpoint.Endpoint{Address: address(host, 443)}}}}}}},
		TransportSocket: &core.TransportSocket{Name: "envoy.transport_sockets.tls",
			ConfigType: &core.TransportSocket_TypedConfig{TypedConfig: packed(&tls.UpstreamTlsContext{Sni: host})}},
	}
}

func sampleChain(index int) *listener.FilterChain {
	name := sampleName(index)
	proxy := &tcp.TcpProxy{StatPrefix: fmt.Sprintf("egress_%d", index),
		ClusterSpecifier: &tcp.TcpProxy_Cluster{Cluster: name}}
	return &listener.FilterChain{
		Name:             fmt.Sprintf("fc-%d", index),
		FilterChainMatch: &listener.FilterChainMatch{ServerNames: []string{strings.TrimPrefix(name, namePrefix)}},
		Filters: []*listener.Filter{{Name: "envoy.filters.network.tcp_proxy",
			ConfigType: &listener.Filter_TypedConfig{TypedConfig: packed(proxy)}}},
	}
}

func sampleListener(clusters int) *listener.Listener {
	chains := make([]*listener.FilterChain, max(clusters/10, 1))
	for i := range chains {
		chains[i] = sampleChain(i)
	}
	return &listener.Listener{Name: "egress", Address: address("127.0.0.1", 15001), FilterChains: chains}
}
