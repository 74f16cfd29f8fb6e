"""What the integration tests stand on: a real Envoy, the network around it (all on loopback), and its clients."""
