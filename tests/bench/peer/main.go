// A server of go-control-plane to compare with: the sample of xds_bench_server, by the same options and control port.
//
//	peer -addr HOST:PORT -ctl HOST:PORT -r CLUSTERS -mode snapshot|linear
//
// snapshot is its SnapshotCache, with one snapshot for all; linear is a MuxCache of two LinearCaches.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
)

// source is a cache and how one cluster of it is changed.
type source interface {
	serving() cache.Cache
	// change gives a cluster a new revision and returns the version that clients are told.
	change(index, revision int) string
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type everybody struct{}

func (everybody) ID(*core.Node) string { return "all" }

type snapshotSource struct {
	cache     cache.SnapshotCache
	clusters  []types.Resource
	listeners cache.Resources
}

func newSnapshotSource(clusters int) *snapshotSource {
	s := &snapshotSource{
		cache:     cache.NewSnapshotCache(true, everybody{}, nil),
		clusters:  make([]types.Resource, clusters),
		listeners: cache.NewResources("0", []types.Resource{sampleListener(clusters)}),
	}
	for i := range s.clusters {
		s.clusters[i] = sampleCluster(i, 0)
	}
	s.set("0")
	return s
}

// set tells new clusters; the listener keeps its version, so it is not sent again.
func (s *snapshotSource) set(version string) {
	snapshot := &cache.Snapshot{}
	snapshot.Resources[types.Cluster] = cache.NewResources(version, s.clusters)
	snapshot.Resources[types.Listener] = s.listeners
	must(s.cache.SetSnapshot(context.Background(), "all", snapshot))
}

func (s *snapshotSource) serving() cache.Cache { return s.cache }

func (s *snapshotSource) change(index, revision int) string {
	s.clusters[index] = sampleCluster(index, revision)
	s.set(strconv.Itoa(revision))
	return strconv.Itoa(revision)
}

type linearSource struct {
	clusters *cache.LinearCache
	mux      *cache.MuxCache
}

func newLinearSource(clusters int) *linearSource {
	made := make(map[string]types.Resource, clusters)
	for i := range clusters {
		made[sampleName(i)] = sampleCluster(i, 0)
	}
	listeners := map[string]types.Resource{"egress": sampleListener(clusters)}
	s := &linearSource{clusters: cache.NewLinearCache(resource.ClusterType, cache.WithInitialResources(made))}
	s.mux = &cache.MuxCache{
		Classify:      func(r *cache.Request) string { return r.GetTypeUrl() },
		ClassifyDelta: func(r *cache.DeltaRequest) string { return r.GetTypeUrl() },
		Caches: map[string]cache.Cache{
			resource.ClusterType:  s.clusters,
			resource.ListenerType: cache.NewLinearCache(resource.ListenerType, cache.WithInitialResources(listeners)),
		},
	}
	return s
}

func (s *linearSource) serving() cache.Cache { return s.mux }

// The cache counts its updates, and tells the count as the version.
func (s *linearSource) change(index, revision int) string {
	must(s.clusters.UpdateResource(sampleName(index), sampleCluster(index, revision)))
	return strconv.Itoa(revision)
}

// control answers GET /push and GET /calm as xds_bench_server does.
func control(from source, clusters int, streams *atomic.Int64) http.Handler {
	var lock sync.Mutex
	pushes := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/push", func(w http.ResponseWriter, _ *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		pushes++
		index := pushes * 7919 % clusters
		fmt.Fprintf(w, "version=%s resource=%s\n", from.change(index, pushes), sampleName(index))
	})
	mux.HandleFunc("/calm", func(w http.ResponseWriter, _ *http.Request) {
		debug.FreeOSMemory()
		fmt.Fprintf(w, "streams=%d\n", streams.Load())
	})
	return mux
}

func counting(streams *atomic.Int64) server.CallbackFuncs {
	opened := func(context.Context, int64, string) error {
		streams.Add(1)
		return nil
	}
	closed := func(int64, *core.Node) { streams.Add(-1) }
	return server.CallbackFuncs{
		StreamOpenFunc: opened, StreamClosedFunc: closed, DeltaStreamOpenFunc: opened, DeltaStreamClosedFunc: closed}
}

func main() {
	address := flag.String("addr", "127.0.0.1:0", "where clients connect")
	controlAddress := flag.String("ctl", "127.0.0.1:0", "where pushes are asked for")
	clusters := flag.Int("r", 1000, "clusters")
	mode := flag.String("mode", "snapshot", "snapshot or linear")
	flag.Parse()
	var from source
	switch *mode {
	case "snapshot":
		from = newSnapshotSource(*clusters)
	case "linear":
		from = newLinearSource(*clusters)
	default:
		log.Fatal("-mode is snapshot or linear")
	}
	var streams atomic.Int64
	listening, err := net.Listen("tcp", *address)
	must(err)
	controlling, err := net.Listen("tcp", *controlAddress)
	must(err)
	serving := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(serving,
		server.NewServer(context.Background(), from.serving(), counting(&streams)))
	go func() { must(http.Serve(controlling, control(from, *clusters, &streams))) }()
	fmt.Printf("ready %d %d\n", listening.Addr().(*net.TCPAddr).Port, controlling.Addr().(*net.TCPAddr).Port)
	must(serving.Serve(listening))
}
