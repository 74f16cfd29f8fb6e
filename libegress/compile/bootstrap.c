#include <egress/bootstrap.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <egress/error.h>
#include <envoy/config/bootstrap/v3/bootstrap.pb-c.h>
#include <envoy/config/cluster/v3/cluster.pb-c.h>
#include <envoy/config/core/v3/address.pb-c.h>
#include <envoy/config/core/v3/base.pb-c.h>
#include <envoy/config/core/v3/config_source.pb-c.h>
#include <envoy/config/core/v3/grpc_service.pb-c.h>
#include <envoy/config/core/v3/protocol.pb-c.h>
#include <envoy/config/endpoint/v3/endpoint.pb-c.h>
#include <envoy/config/endpoint/v3/endpoint_components.pb-c.h>
#include <envoy/extensions/transport_sockets/tls/v3/common.pb-c.h>
#include <envoy/extensions/transport_sockets/tls/v3/tls.pb-c.h>
#include <envoy/extensions/upstreams/http/v3/http_protocol_options.pb-c.h>
#include <envoy/type/matcher/v3/string.pb-c.h>

#include "base/addr.h"
#include "base/diag.h"
#include "base/host.h"
#include "base/options.h"
#include "base/protowire.h"
#include "compile/common.h"
#include "resource/json.h"

enum {
  CONNECT_TIMEOUT_MS = 2000,
  KEEPALIVE_MS = 10000,
  KEEPALIVE_TIMEOUT_MS = 5000, /* no answer to a ping for so long: the control plane is gone, connect again */
  MIN_KEEPALIVE_MS = 1000 /* our server takes pings closer than half of that for an attack, and cuts the connection */
};

/* Envoy's name for the cluster that leads to the control plane. */
static const char control_plane[] = "egress_control_plane";

/* Where the control plane is: an address, a host name, or the path of a unix socket. */
typedef struct target {
  egress__endpoint endpoint; /* family 0: not an address; the port also counts for `host` */
  const char *host;          /* NULL: not a name */
  const char *path;          /* NULL: not a unix socket */
} target;

typedef struct writer {
  egress__build b;
  const egress_bootstrap_options *options;
  target control_plane;
  egress__endpoint admin;
} writer;

static int bad(egress_diag *diag, const char *option, const char *text, const char *expected) {
  return egress__diag_error(diag, EGRESS_EINVAL, (egress__place){0}, "%s \"%s\" is not %s", option, text, expected);
}

/* `NAME:PORT`: the name is copied to the arena. */
static int take_name(egress__build *b, target *out, const char *text) {
  const char *colon = strrchr(text, ':');
  char name[EGRESS__HOST_MAX + 1], port[sizeof "0.0.0.0:65535"];
  if (colon == NULL || egress__host_normalise(name, text, (size_t)(colon - text)) == 0)
    return EGRESS_EINVAL;
  int size = snprintf(port, sizeof port, "0.0.0.0%s", colon);
  egress__endpoint endpoint;
  if (size < 0 || (size_t)size >= sizeof port || egress__endpoint_parse(&endpoint, port) != 0)
    return EGRESS_EINVAL;
  out->host = egress__build_printf(b, "%s", name);
  out->endpoint.port = endpoint.port;
  return 0;
}

static int take_target(egress__build *b, target *out, const char *text, egress_diag *diag) {
  if (strncmp(text, "unix:/", 6) == 0) {
    out->path = text + 5;
    if (strlen(out->path) < sizeof((struct sockaddr_un *)0)->sun_path)
      return 0;
    return bad(diag, "control_plane", text, "short enough for a unix socket, whose path has at most 107 bytes");
  }
  int found = egress__endpoint_parse(&out->endpoint, text) == 0 || take_name(b, out, text) == 0;
  if (!found || out->endpoint.port == 0)
    return bad(diag, "control_plane", text, "ADDRESS:PORT, NAME:PORT or unix:/PATH");
  return 0;
}

/* Envoy takes no text that is not UTF-8, and none of these empty. */
static int check_texts(const egress_bootstrap_options *o, egress_diag *diag) {
  const struct {
    const char *name, *text;
  } texts[] = {{"node_id", o->node_id}, {"node_cluster", o->node_cluster}, {"control_plane", o->control_plane},
               {"tls_ca", o->tls_ca},   {"tls_name", o->tls_name},         {"tls_cert", o->tls_cert},
               {"tls_key", o->tls_key}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    const char *text = texts[i].text;
    if (text != NULL && (text[0] == '\0' || !egress__span_is_text((egress__span){(const uint8_t *)text, strlen(text)})))
      return egress__diag_error(diag, EGRESS_EINVAL, (egress__place){0}, "%s is empty or not UTF-8", texts[i].name);
  }
  return 0;
}

static int check_together(const egress_bootstrap_options *o, egress_diag *diag) {
  const egress__place nowhere = {0};
  if (o->node_id == NULL)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "node_id is missing; each Envoy needs one of its own");
  if (o->control_plane == NULL)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "control_plane is missing; say where it listens");
  if ((o->tls_cert == NULL) != (o->tls_key == NULL))
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "tls_cert and tls_key go together; give both or neither");
  if (o->tls_ca == NULL && (o->tls_cert != NULL || o->tls_name != NULL))
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere,
                              "tls_ca is missing; without it the control plane could be anybody");
  if (o->keepalive_ms != 0 && o->keepalive_ms < MIN_KEEPALIVE_MS)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "keepalive_ms %u is below %d", o->keepalive_ms,
                              MIN_KEEPALIVE_MS);
  return 0;
}

static int check(writer *w, egress_diag *diag) {
  const egress_bootstrap_options *o = w->options;
  int rv = check_texts(o, diag);
  if (rv == 0)
    rv = check_together(o, diag);
  if (rv != 0)
    return rv;
  const char *admin = o->admin_address != NULL ? o->admin_address : "127.0.0.1:9901";
  if (egress__endpoint_parse(&w->admin, admin) != 0 || !egress__addr_is_loopback(&w->admin.addr))
    return bad(diag, "admin_address", admin,
               "ADDRESS:PORT on loopback; whoever reaches Envoy's admin page can stop it");
  if (o->delta > 1)
    return egress__diag_error(diag, EGRESS_EINVAL, (egress__place){0},
                              "delta is %" PRIu32 "; write 1, or 0 for state of the world", o->delta);
  return take_target(&w->b, &w->control_plane, o->control_plane, diag);
}

static egress__message *data_file(egress__build *b, const char *path) {
  egress__message *source = EGRESS__MAKE(b, envoy__config__core__v3__data_source);
  egress__set_text(b, source, "filename", path);
  return source;
}

/* The name that the certificate must carry; NULL: any that the authority signed. */
static const char *server_name(const writer *w) {
  return w->options->tls_name != NULL ? w->options->tls_name : w->control_plane.host;
}

/* SubjectAltNameMatcher for a name or an address. */
static egress__message *expected_name(writer *w) {
  egress__build *b = &w->b;
  char address[EGRESS__ADDR_TEXT];
  const char *name = server_name(w);
  int is_address = name == NULL;
  if (is_address)
    name = egress__build_printf(b, "%s", egress__addr_format(address, &w->control_plane.endpoint.addr));
  egress__message *string = EGRESS__MAKE(b, envoy__type__matcher__v3__string_matcher);
  egress__set_text(b, string, "exact", name);
  egress__message *matcher = EGRESS__MAKE(b, envoy__extensions__transport_sockets__tls__v3__subject_alt_name_matcher);
  egress__set_number(b, matcher, "san_type",
                     is_address
                         ? ENVOY__EXTENSIONS__TRANSPORT_SOCKETS__TLS__V3__SUBJECT_ALT_NAME_MATCHER__SAN_TYPE__IP_ADDRESS
                         : ENVOY__EXTENSIONS__TRANSPORT_SOCKETS__TLS__V3__SUBJECT_ALT_NAME_MATCHER__SAN_TYPE__DNS);
  egress__set_message(b, matcher, "matcher", string);
  return matcher;
}

static egress__message *transport_socket(writer *w) {
  egress__build *b = &w->b;
  const egress_bootstrap_options *o = w->options;
  egress__message *common = EGRESS__MAKE(b, envoy__extensions__transport_sockets__tls__v3__common_tls_context);
  egress__message *validation =
      EGRESS__MAKE(b, envoy__extensions__transport_sockets__tls__v3__certificate_validation_context);
  egress__set_message(b, validation, "trusted_ca", data_file(b, o->tls_ca));
  if (w->control_plane.path == NULL || o->tls_name != NULL)
    egress__set_message(b, validation, "match_typed_subject_alt_names", expected_name(w));
  egress__set_message(b, common, "validation_context", validation);
  egress__set_text(b, common, "alpn_protocols", "h2");
  if (o->tls_cert != NULL) {
    egress__message *pair = EGRESS__MAKE(b, envoy__extensions__transport_sockets__tls__v3__tls_certificate);
    egress__set_message(b, pair, "certificate_chain", data_file(b, o->tls_cert));
    egress__set_message(b, pair, "private_key", data_file(b, o->tls_key));
    egress__set_message(b, common, "tls_certificates", pair);
  }
  egress__message *tls = EGRESS__MAKE(b, envoy__extensions__transport_sockets__tls__v3__upstream_tls_context);
  egress__set_message(b, tls, "common_tls_context", common);
  if (server_name(w) != NULL)
    egress__set_text(b, tls, "sni", server_name(w));
  egress__message *socket = EGRESS__MAKE(b, envoy__config__core__v3__transport_socket);
  egress__set_text(b, socket, "name", "envoy.transport_sockets.tls");
  egress__set_message(b, socket, "typed_config", tls);
  return socket;
}

static egress__message *target_address(writer *w) {
  egress__build *b = &w->b;
  if (w->control_plane.path == NULL && w->control_plane.host == NULL)
    return egress__address(b, &w->control_plane.endpoint);
  egress__message *address = EGRESS__MAKE(b, envoy__config__core__v3__address);
  if (w->control_plane.path != NULL) {
    egress__message *pipe = EGRESS__MAKE(b, envoy__config__core__v3__pipe);
    egress__set_text(b, pipe, "path", w->control_plane.path);
    egress__set_message(b, address, "pipe", pipe);
  } else {
    egress__message *socket = EGRESS__MAKE(b, envoy__config__core__v3__socket_address);
    egress__set_text(b, socket, "address", w->control_plane.host);
    egress__set_number(b, socket, "port_value", w->control_plane.endpoint.port);
    egress__set_message(b, address, "socket_address", socket);
  }
  return address;
}

static egress__message *load_assignment(writer *w) {
  egress__build *b = &w->b;
  egress__message *endpoint = EGRESS__MAKE(b, envoy__config__endpoint__v3__endpoint);
  egress__set_message(b, endpoint, "address", target_address(w));
  egress__message *lb_endpoint = EGRESS__MAKE(b, envoy__config__endpoint__v3__lb_endpoint);
  egress__set_message(b, lb_endpoint, "endpoint", endpoint);
  egress__message *locality = EGRESS__MAKE(b, envoy__config__endpoint__v3__locality_lb_endpoints);
  egress__set_message(b, locality, "lb_endpoints", lb_endpoint);
  egress__message *assignment = EGRESS__MAKE(b, envoy__config__endpoint__v3__cluster_load_assignment);
  egress__set_text(b, assignment, "cluster_name", control_plane);
  egress__set_message(b, assignment, "endpoints", locality);
  return assignment;
}

/* HTTP/2 with pings: a control plane that died without a word is noticed. */
static egress__message *http2(writer *w) {
  egress__build *b = &w->b;
  egress__message *keepalive = EGRESS__MAKE(b, envoy__config__core__v3__keepalive_settings);
  egress__set_duration(b, keepalive, "interval",
                       w->options->keepalive_ms != 0 ? w->options->keepalive_ms : KEEPALIVE_MS);
  egress__set_duration(b, keepalive, "timeout", KEEPALIVE_TIMEOUT_MS);
  egress__message *protocol = EGRESS__MAKE(b, envoy__config__core__v3__http2_protocol_options);
  egress__set_message(b, protocol, "connection_keepalive", keepalive);
  egress__message *explicit =
      EGRESS__MAKE(b, envoy__extensions__upstreams__http__v3__http_protocol_options__explicit_http_config);
  egress__set_message(b, explicit, "http2_protocol_options", protocol);
  egress__message *options = EGRESS__MAKE(b, envoy__extensions__upstreams__http__v3__http_protocol_options);
  egress__set_message(b, options, "explicit_http_config", explicit);
  return options;
}

static egress__message *cluster(writer *w) {
  egress__build *b = &w->b;
  egress__message *made = EGRESS__MAKE(b, envoy__config__cluster__v3__cluster);
  egress__set_text(b, made, "name", control_plane);
  egress__set_number(b, made, "type",
                     w->control_plane.host != NULL ? ENVOY__CONFIG__CLUSTER__V3__CLUSTER__DISCOVERY_TYPE__STRICT_DNS
                                                   : ENVOY__CONFIG__CLUSTER__V3__CLUSTER__DISCOVERY_TYPE__STATIC);
  egress__set_duration(b, made, "connect_timeout", CONNECT_TIMEOUT_MS);
  egress__set_message(b, made, "load_assignment", load_assignment(w));
  egress__set_entry(b, made, "typed_extension_protocol_options",
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions", http2(w));
  if (w->options->tls_ca != NULL)
    egress__set_message(b, made, "transport_socket", transport_socket(w));
  return made;
}

static egress__message *ads_config(writer *w) {
  egress__build *b = &w->b;
  egress__message *envoy_grpc = EGRESS__MAKE(b, envoy__config__core__v3__grpc_service__envoy_grpc);
  egress__set_text(b, envoy_grpc, "cluster_name", control_plane);
  egress__message *service = EGRESS__MAKE(b, envoy__config__core__v3__grpc_service);
  egress__set_message(b, service, "envoy_grpc", envoy_grpc);
  egress__message *source = EGRESS__MAKE(b, envoy__config__core__v3__api_config_source);
  egress__set_number(b, source, "api_type",
                     w->options->delta != 0 ? ENVOY__CONFIG__CORE__V3__API_CONFIG_SOURCE__API_TYPE__DELTA_GRPC
                                            : ENVOY__CONFIG__CORE__V3__API_CONFIG_SOURCE__API_TYPE__GRPC);
  egress__set_number(b, source, "transport_api_version", ENVOY__CONFIG__CORE__V3__API_VERSION__V3);
  egress__set_number(b, source, "set_node_on_first_message_only", 1);
  egress__set_message(b, source, "grpc_services", service);
  return source;
}

/* Envoy starts to serve once it has its first configuration, however long that takes: fail closed, not open. */
static egress__message *discovery(writer *w) {
  egress__build *b = &w->b;
  egress__message *from = egress__ads(b);
  egress__set_duration(b, from, "initial_fetch_timeout", 0);
  egress__message *resources = EGRESS__MAKE(b, envoy__config__bootstrap__v3__bootstrap__dynamic_resources);
  egress__set_message(b, resources, "ads_config", ads_config(w));
  egress__set_message(b, resources, "cds_config", from);
  egress__set_message(b, resources, "lds_config", from);
  return resources;
}

static egress__message *bootstrap(writer *w) {
  egress__build *b = &w->b;
  const egress_bootstrap_options *o = w->options;
  egress__message *node = EGRESS__MAKE(b, envoy__config__core__v3__node);
  egress__set_text(b, node, "id", o->node_id);
  egress__set_text(b, node, "cluster", o->node_cluster != NULL ? o->node_cluster : "egress");
  egress__message *admin = EGRESS__MAKE(b, envoy__config__bootstrap__v3__admin);
  egress__set_message(b, admin, "address", egress__address(b, &w->admin));
  egress__message *fixed = EGRESS__MAKE(b, envoy__config__bootstrap__v3__bootstrap__static_resources);
  egress__set_message(b, fixed, "clusters", cluster(w));
  egress__message *made = EGRESS__MAKE(b, envoy__config__bootstrap__v3__bootstrap);
  egress__set_message(b, made, "node", node);
  egress__set_message(b, made, "admin", admin);
  egress__set_message(b, made, "dynamic_resources", discovery(w));
  egress__set_message(b, made, "static_resources", fixed);
  return made;
}

static int print(egress_text **out, egress__build *b, const egress__message *message) {
  egress__span bytes = egress__build_pack(b, message);
  return b->rv != 0 ? b->rv : egress__json_of(out, message->descriptor->name, bytes, b->arena.alloc);
}

int egress_bootstrap(egress_text **out, const egress_bootstrap_options *options, egress_diag *diag) {
  egress_bootstrap_options own = EGRESS_BOOTSTRAP_OPTIONS_INIT;
  if (out == NULL || options == NULL)
    return EGRESS_EINVAL;
  int rv = egress__options_take(&own, sizeof own, options, sizeof own);
  if (rv != 0)
    return rv;
  writer w = {.options = &own};
  egress__build_init(&w.b, egress__alloc_or_default(own.alloc));
  rv = check(&w, diag);
  if (rv == 0)
    rv = print(out, &w.b, bootstrap(&w));
  egress__build_dispose(&w.b);
  return rv;
}
