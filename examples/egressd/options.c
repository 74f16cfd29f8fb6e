/* The options of all subcommands: what they are called, what they take, what the help says of them. */
#include "options.h"

enum {
  LISTENERS = CLI_SERVE | CLI_DUMP,
  NODE_TEXT_MAX_BYTES = 255 /* of a group or a node: what a server takes */
};

static const cli_option options[] = {
    {CLI_LISTEN, CLI_SOCKET, CLI_SERVE, "listen", "ADDRESS:PORT", "127.0.0.1:18000", 0, 0,
     "Where Envoys find this daemon: 127.0.0.1:18000, [::1]:18000 or unix:/PATH. Port 0 lets the kernel pick one; "
     "the event 'listening' says which. 0.0.0.0 is IPv4 only, and [::] IPv6 only."},
    {CLI_TLS_CERT, CLI_PATH, CLI_SERVE, "tls-cert", "FILE", NULL, 0, 0,
     "The daemon's certificate chain, PEM. Needs --tls-key. When this or one of the next two files changes, new "
     "connections see it; open ones go on. While they do not fit together, the last good ones stay."},
    {CLI_TLS_KEY, CLI_PATH, CLI_SERVE, "tls-key", "FILE", NULL, 0, 0, "The private key of --tls-cert, PEM."},
    {CLI_TLS_CLIENT_CA, CLI_PATH, CLI_SERVE, "tls-client-ca", "FILE", NULL, 0, 0,
     "Authorities, PEM, one of which must have signed the certificate of every Envoy that connects (mutual TLS)."},
    {CLI_INSECURE, CLI_FLAG, CLI_SERVE, "insecure", NULL, NULL, 0, 0,
     "Allows plaintext on an address that is not loopback. Whoever reaches it can read the policy, and whoever can "
     "redirect it can give Envoy another one."},
    {CLI_GROUP, CLI_TEXT, CLI_SERVE, "group", "NAME", "*", 0, NODE_TEXT_MAX_BYTES,
     "Which Envoys get the policy: those whose node.cluster (or node.id, where that is empty) is NAME. * is all."},
    {CLI_STATE, CLI_PATH, CLI_SERVE, "state", "FILE", NULL, 0, 0,
     "Where the daemon keeps what its next start has to know: which policy Envoys have. It is written, never by hand, "
     "before each policy is in force."},
    {CLI_LOG_FORMAT, CLI_WORD, CLI_SERVE, "log-format", "json|text", "json", 0, 0,
     "How events are written to standard output, a line each."},
    {CLI_EXPLICIT, CLI_ADDRESS, LISTENERS, "explicit", "ADDRESS:PORT", NULL, 1, 0,
     "Where each Envoy listens as an explicit forward proxy: HTTP with the whole URL, CONNECT over HTTP/1.1 and "
     "HTTP/2. Without --explicit and --sni it is 127.0.0.1:3128."},
    {CLI_SNI, CLI_ADDRESS, LISTENERS, "sni", "ADDRESS:PORT", NULL, 1, 0,
     "Where each Envoy listens for TLS and forwards it, unopened, to the server name that the client sent."},
    {CLI_SNI_PORT, CLI_NUMBER, LISTENERS, "sni-port", "PORT", "443", 1, 65535, "The port that --sni dials."},
    {CLI_DNS, CLI_ADDRESS, LISTENERS, "dns", "ADDRESS:PORT", NULL, 1, 0,
     "The resolver that Envoy asks. Not given: that of the machine Envoy runs on."},
    {CLI_ACCESS_LOG, CLI_TEXT, LISTENERS, "access-log", "PATH", "/dev/stdout", 0, 0,
     "Where Envoy writes its access log: a line of JSON a connection or request, with the rule that decided."},
    {CLI_NAME_RULES, CLI_FLAG, LISTENERS, "name-rules", NULL, NULL, 0, 0,
     "The body of a refusal names the rule that decided. Rule names then reach every client."},
    {CLI_SKIP_UNSUPPORTED, CLI_FLAG, LISTENERS, "skip-unsupported", NULL, NULL, 0, 0,
     "A rule that a listener cannot express is left out with a warning, instead of refusing the policy."},
    {CLI_NODE_ID, CLI_TEXT, CLI_BOOTSTRAP, "node-id", "TEXT", NULL, 0, NODE_TEXT_MAX_BYTES,
     "What this Envoy is called; no two may share it. Required."},
    {CLI_NODE_CLUSTER, CLI_TEXT, CLI_BOOTSTRAP, "node-cluster", "TEXT", "egress", 0, NODE_TEXT_MAX_BYTES,
     "The group of Envoys that this one belongs to; see 'serve --group'."},
    {CLI_CONTROL_PLANE, CLI_TARGET, CLI_BOOTSTRAP, "control-plane", "ADDRESS:PORT", "127.0.0.1:18000", 1, 0,
     "Where 'egressd serve' listens: an address or a name with a port, or unix:/PATH."},
    {CLI_ADMIN, CLI_ADDRESS, CLI_BOOTSTRAP, "admin", "ADDRESS:PORT", "127.0.0.1:9901", 0, 0,
     "Where Envoy's admin page listens; a loopback address, because the page can stop Envoy."},
    {CLI_TLS_CA, CLI_TEXT, CLI_BOOTSTRAP, "tls-ca", "FILE", NULL, 0, 0,
     "The authority, PEM, that signed the daemon's certificate; Envoy then uses TLS. Envoy reads the file, so the path "
     "is one of its machine."},
    {CLI_TLS_NAME, CLI_TEXT, CLI_BOOTSTRAP, "tls-name", "NAME", NULL, 0, 0,
     "The name that the daemon's certificate must carry. Not given: the name in --control-plane."},
    {CLI_CLIENT_CERT, CLI_TEXT, CLI_BOOTSTRAP, "client-cert", "FILE", NULL, 0, 0,
     "Envoy's own certificate, PEM, for mutual TLS. Needs --client-key."},
    {CLI_CLIENT_KEY, CLI_TEXT, CLI_BOOTSTRAP, "client-key", "FILE", NULL, 0, 0, "The key of --client-cert, PEM."},
    {CLI_KEEPALIVE_MS, CLI_NUMBER, CLI_BOOTSTRAP, "keepalive-ms", "MS", "10000", 1000, 3600000,
     "How often Envoy asks whether the control plane is still there."},
    {CLI_XDS, CLI_WORD, CLI_BOOTSTRAP, "xds", "sotw|delta", "delta", 0, 0,
     "The variant of the xDS protocol: state of the world, or only what changed."},
    {CLI_DRAIN_TIME_S, CLI_NUMBER, CLI_BOOTSTRAP, "drain-time-s", "SECONDS", "60", 1, 86400,
     "How long a connection may live on after it lost its permission. It is not part of the bootstrap but a flag of "
     "Envoy (whose own default is 600): the command to start Envoy is printed to standard error."},
    {CLI_PROTOCOL, CLI_WORD, CLI_CHECK, "protocol", "tls|http|tcp", NULL, 0, 0,
     "What is spoken to HOST. Not given: tls for a name, tcp for an address."},
};
_Static_assert((int)CLI_COUNT <= (int)CLI_OPTIONS_MAX, "every option has a place");

const cli_program cli_this_program = {"egressd", options, sizeof options / sizeof *options};
