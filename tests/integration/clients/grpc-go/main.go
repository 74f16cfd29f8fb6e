// gRPC of Go with xDS, told by lines of JSON what to do: see harness/program.py.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	statuspb "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	xdscreds "google.golang.org/grpc/credentials/xds"
	"google.golang.org/grpc/xds"
	"google.golang.org/grpc/xds/csds"
)

// How long a call may take before it is an error.
const callTimeout = 5 * time.Second

// text passes bodies on as they are.
type text struct{}

func (text) Name() string                    { return "text" }
func (text) Marshal(v any) ([]byte, error)   { return []byte(*v.(*string)), nil }
func (text) Unmarshal(d []byte, v any) error { *v.(*string) = string(d); return nil }

func who(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var request string
	if err := decode(&request); err != nil {
		return nil, err
	}
	answer := "grpc-go"
	return &answer, nil
}

var service = grpc.ServiceDesc{
	ServiceName: "egress.Test",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Who", Handler: who}, {MethodName: "Else", Handler: who}},
}

// listenForStatus serves CSDS: what the xDS client of this process has.
func listenForStatus() (int, error) {
	status, err := csds.NewClientStatusDiscoveryServer()
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := grpc.NewServer()
	statuspb.RegisterClientStatusDiscoveryServiceServer(server, status)
	go server.Serve(listener)
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// serve starts a server that takes its configuration over xDS.
func serve(port int) error {
	creds, err := xdscreds.NewServerCredentials(xdscreds.ServerOptions{FallbackCreds: insecure.NewCredentials()})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	server, err := xds.NewGRPCServer(grpc.Creds(creds), grpc.ForceServerCodec(text{}))
	if err != nil {
		return err
	}
	server.RegisterService(&service, nil)
	go server.Serve(listener)
	return nil
}

var channels = map[string]*grpc.ClientConn{}

func call(name string) (string, error) {
	channel := channels[name]
	if channel == nil {
		made, err := grpc.NewClient("xds:///"+name, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return "", err
		}
		channel, channels[name] = made, made
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	var request, answer string
	err := channel.Invoke(ctx, "/egress.Test/Who", &request, &answer, grpc.ForceCodec(text{}))
	return answer, err
}

type request struct {
	Call  string `json:"call"`
	Serve int    `json:"serve"`
}

func obey(line []byte) (map[string]any, error) {
	var told request
	if err := json.Unmarshal(line, &told); err != nil {
		return nil, err
	}
	if told.Serve != 0 {
		return map[string]any{"serving": told.Serve}, serve(told.Serve)
	}
	answer, err := call(told.Call)
	if err != nil {
		return map[string]any{"error": err.Error()}, nil
	}
	return map[string]any{"answer": answer}, nil
}

func main() {
	port, err := listenForStatus()
	if err != nil {
		log.Fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	out.Encode(map[string]any{"csds": port})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer, err := obey(lines.Bytes())
		if err != nil {
			log.Fatal(err)
		}
		out.Encode(answer)
	}
}
