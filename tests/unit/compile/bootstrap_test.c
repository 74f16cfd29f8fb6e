#include <egress/bootstrap.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include <egress/error.h>

/* The value at a path such as `/node/id` or `/list/0/name` of a JSON text, which is YAML too; "" when there is none,
 * "{}" for an object or array. */
static const char *value_at(const char *json, const char *path) {
  static char out[512];
  yaml_parser_t parser;
  yaml_document_t document;
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_string(&parser, (const unsigned char *)json, strlen(json));
  cr_assert(yaml_parser_load(&parser, &document), "not well-formed: %s\n%s", parser.problem, json);
  const yaml_node_t *node = yaml_document_get_root_node(&document);
  while (node != NULL && *path == '/') {
    size_t size = strcspn(path + 1, "/");
    const yaml_node_t *next = NULL;
    if (node->type == YAML_SEQUENCE_NODE) {
      yaml_node_item_t *item = node->data.sequence.items.start + atoi(path + 1);
      next = item < node->data.sequence.items.top ? yaml_document_get_node(&document, *item) : NULL;
    } else if (node->type == YAML_MAPPING_NODE) {
      for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&document, pair->key);
        if (key->data.scalar.length == size && memcmp(key->data.scalar.value, path + 1, size) == 0)
          next = yaml_document_get_node(&document, pair->value);
      }
    }
    node = next;
    path += size + 1;
  }
  const char *text = node == NULL ? "" : node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "{}";
  snprintf(out, sizeof out, "%s", text);
  yaml_document_delete(&document);
  yaml_parser_delete(&parser);
  return out;
}

static egress_bootstrap_options plain(void) {
  egress_bootstrap_options options = EGRESS_BOOTSTRAP_OPTIONS_INIT;
  options.node_id = "envoy-1";
  options.control_plane = "127.0.0.1:18000";
  return options;
}

static egress_text *written(const egress_bootstrap_options *options) {
  egress_text *text = NULL;
  egress_diag *diag = egress_diag_new(NULL);
  int rv = egress_bootstrap(&text, options, diag);
  cr_assert_eq(rv, 0, "%s", egress_diag_text(diag));
  cr_assert_eq(egress_diag_count(diag), 0);
  egress_diag_free(diag);
  return text;
}

/* Each pair is a path and the value there; NULL ends them. */
static void says(const egress_bootstrap_options *options, const char *const (*pairs)[2]) {
  egress_text *text = written(options);
  for (; (*pairs)[0] != NULL; pairs++) {
    const char *got = value_at(egress_text_data(text), (*pairs)[0]);
    cr_expect_str_eq(got, (*pairs)[1], "%s is \"%s\", not \"%s\"", (*pairs)[0], got, (*pairs)[1]);
  }
  egress_text_free(text);
}

#define CLUSTER "/staticResources/clusters/0"
#define ADDRESS CLUSTER "/loadAssignment/endpoints/0/lbEndpoints/0/endpoint/address"
#define HTTP CLUSTER "/typedExtensionProtocolOptions/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
#define KEEPALIVE HTTP "/explicitHttpConfig/http2ProtocolOptions/connectionKeepalive"
#define TLS CLUSTER "/transportSocket/typedConfig"

Test(bootstrap, by_default) {
  static const char *const pairs[][2] = {
      {"/node/id", "envoy-1"},
      {"/node/cluster", "egress"},
      {"/admin/address/socketAddress/address", "127.0.0.1"},
      {"/admin/address/socketAddress/portValue", "9901"},
      {"/dynamicResources/adsConfig/apiType", "GRPC"},
      {"/dynamicResources/adsConfig/transportApiVersion", "V3"},
      {"/dynamicResources/cdsConfig/ads", "{}"},
      {"/dynamicResources/ldsConfig/ads", "{}"},
      {"/dynamicResources/cdsConfig/initialFetchTimeout", "0s"}, /* never starts without its configuration */
      {"/dynamicResources/ldsConfig/initialFetchTimeout", "0s"},
      {CLUSTER "/type", "STATIC"},
      {ADDRESS "/socketAddress/address", "127.0.0.1"},
      {ADDRESS "/socketAddress/portValue", "18000"},
      {KEEPALIVE "/interval", "10s"},
      {KEEPALIVE "/timeout", "5s"},
      {CLUSTER "/transportSocket", ""},
      {"/staticResources/clusters/1", ""},
      {"/staticResources/listeners", ""},
      {NULL, NULL}};
  egress_bootstrap_options options = plain();
  says(&options, pairs);
  /* The three places that name the cluster. */
  egress_text *text = written(&options);
  char name[64];
  snprintf(name, sizeof name, "%s", value_at(egress_text_data(text), CLUSTER "/name"));
  cr_assert_str_neq(name, "");
  cr_expect_str_eq(value_at(egress_text_data(text), CLUSTER "/loadAssignment/clusterName"), name);
  cr_expect_str_eq(value_at(egress_text_data(text), "/dynamicResources/adsConfig/grpcServices/0/envoyGrpc/clusterName"),
                   name);
  egress_text_free(text);
}

Test(bootstrap, every_option) {
  static const char *const pairs[][2] = {
      {"/node/id", "pod-\"7\" \xc3\xa4\n"},
      {"/node/cluster", "payments"},
      {"/admin/address/socketAddress/address", "::1"},
      {"/admin/address/socketAddress/portValue", "19901"},
      {"/dynamicResources/adsConfig/apiType", "DELTA_GRPC"},
      {KEEPALIVE "/interval", "1.500s"},
      {CLUSTER "/type", "STRICT_DNS"},
      {ADDRESS "/socketAddress/address", "cp.example"},
      {ADDRESS "/socketAddress/portValue", "443"},
      {CLUSTER "/transportSocket/name", "envoy.transport_sockets.tls"},
      {TLS "/sni", "other.example"},
      {TLS "/commonTlsContext/validationContext/trustedCa/filename", "/ca.pem"},
      {TLS "/commonTlsContext/validationContext/matchTypedSubjectAltNames/0/sanType", "DNS"},
      {TLS "/commonTlsContext/validationContext/matchTypedSubjectAltNames/0/matcher/exact", "other.example"},
      {TLS "/commonTlsContext/tlsCertificates/0/certificateChain/filename", "/c.pem"},
      {TLS "/commonTlsContext/tlsCertificates/0/privateKey/filename", "/k.pem"},
      {TLS "/commonTlsContext/alpnProtocols/0", "h2"},
      {NULL, NULL}};
  egress_bootstrap_options options = plain();
  options.node_id = "pod-\"7\" \xc3\xa4\n";
  options.node_cluster = "payments";
  options.control_plane = "CP.example:443";
  options.admin_address = "[::1]:19901";
  options.tls_ca = "/ca.pem";
  options.tls_name = "other.example";
  options.tls_cert = "/c.pem";
  options.tls_key = "/k.pem";
  options.keepalive_ms = 1500;
  options.delta = 1;
  says(&options, pairs);
}

#define SAN TLS "/commonTlsContext/validationContext/matchTypedSubjectAltNames/0"

Test(bootstrap, the_certificate_must_be_that_of_the_control_plane) {
  egress_bootstrap_options options = plain();
  options.tls_ca = "/ca.pem";
  options.control_plane = "[2001:DB8::1]:443";
  says(&options, (const char *const[][2]){{ADDRESS "/socketAddress/address", "2001:db8::1"},
                                          {SAN "/sanType", "IP_ADDRESS"},
                                          {SAN "/matcher/exact", "2001:db8::1"},
                                          {TLS "/sni", ""}, /* an address is no server name (RFC 6066) */
                                          {NULL, NULL}});
  options.control_plane = "cp.example:443";
  says(&options,
       (const char *const[][2]){
           {SAN "/sanType", "DNS"}, {SAN "/matcher/exact", "cp.example"}, {TLS "/sni", "cp.example"}, {NULL, NULL}});
  options.control_plane = "unix:/run/egress.sock";
  says(&options, (const char *const[][2]){{ADDRESS "/pipe/path", "/run/egress.sock"},
                                          {CLUSTER "/type", "STATIC"},
                                          {TLS "/commonTlsContext/validationContext/trustedCa/filename", "/ca.pem"},
                                          {SAN, ""}, /* it has no name to compare with */
                                          {NULL, NULL}});
  options.tls_name = "cp.example";
  says(&options,
       (const char *const[][2]){{SAN "/matcher/exact", "cp.example"}, {TLS "/sni", "cp.example"}, {NULL, NULL}});
}

/* Refused, and the first diagnostic starts with `what`. */
static void refuses(const egress_bootstrap_options *options, const char *what) {
  egress_text *text = NULL;
  egress_diag *diag = egress_diag_new(NULL);
  int rv = egress_bootstrap(&text, options, diag);
  cr_expect_eq(rv, EGRESS_EINVAL, "%s: %s", what, egress_code_name(rv));
  cr_expect_null(text);
  cr_expect_eq(egress_diag_errors(diag), 1);
  cr_expect_eq(strncmp(egress_diag_message(diag, 0), what, strlen(what)), 0, "%s", egress_diag_message(diag, 0));
  egress_diag_free(diag);
  cr_expect_eq(egress_bootstrap(&text, options, NULL), EGRESS_EINVAL, "without a diag");
}

Test(bootstrap, refuses_bad_control_planes) {
  static const char *const bad[] = {"127.0.0.1",       "127.0.0.1:",    "127.0.0.1:0",
                                    "127.0.0.1:65536", "127.0.0.1:x",   "::1:18000",
                                    "[::1]",           "cp.example",    "cp.example:",
                                    "cp.example:0",    ":18000",        "a..b:18000",
                                    "1.2.3:18000",     "cp.example.:1", "unix:relative",
                                    "http://a:80/",    "cp.example:1 ", "cp.example:000000000000000018000"};
  egress_bootstrap_options options = plain();
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    options.control_plane = bad[i];
    refuses(&options, "control_plane");
  }
  options.control_plane = NULL;
  refuses(&options, "control_plane is missing");
  char path[200] = "unix:/";
  memset(path + 6, 'x', 106); /* 107 bytes with the slash: the most that fits */
  options.control_plane = path;
  egress_text_free(written(&options));
  path[112] = 'x';
  refuses(&options, "control_plane");
}

Test(bootstrap, refuses_an_admin_page_that_others_reach) {
  static const char *const bad[] = {
      "0.0.0.0:9901", "192.0.2.1:9901", "[::]:9901", "localhost:9901", "127.0.0.1", "", "[::ffff:127.0.0.1]:9901"};
  egress_bootstrap_options options = plain();
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    options.admin_address = bad[i];
    refuses(&options, "admin_address");
  }
}

Test(bootstrap, refuses_half_of_a_pair) {
  egress_bootstrap_options options = plain();
  options.tls_cert = "/c.pem";
  refuses(&options, "tls_cert and tls_key");
  options.tls_key = "/k.pem";
  refuses(&options, "tls_ca is missing");
  options.tls_cert = NULL;
  refuses(&options, "tls_cert and tls_key");
  options = plain();
  options.tls_name = "x.example";
  refuses(&options, "tls_ca is missing");
  options = plain();
  options.keepalive_ms = 999;
  refuses(&options, "keepalive_ms 999");
  options = plain();
  options.delta = 2;
  refuses(&options, "delta is 2");
}

Test(bootstrap, refuses_texts_that_envoy_does_not_take) {
  egress_bootstrap_options good = plain();
  good.node_cluster = "c";
  good.tls_ca = "/ca.pem";
  good.tls_name = "x.example";
  good.tls_cert = "/c.pem";
  good.tls_key = "/k.pem";
  static const struct {
    const char *name;
    size_t offset;
  } texts[] = {{"node_id", offsetof(egress_bootstrap_options, node_id)},
               {"node_cluster", offsetof(egress_bootstrap_options, node_cluster)},
               {"tls_ca", offsetof(egress_bootstrap_options, tls_ca)},
               {"tls_name", offsetof(egress_bootstrap_options, tls_name)},
               {"tls_cert", offsetof(egress_bootstrap_options, tls_cert)},
               {"tls_key", offsetof(egress_bootstrap_options, tls_key)},
               {"control_plane", offsetof(egress_bootstrap_options, control_plane)}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    egress_bootstrap_options options = good;
    const char **field = (const char **)((char *)&options + texts[i].offset);
    *field = "";
    refuses(&options, texts[i].name);
    *field = "unix:/a\xff";
    refuses(&options, texts[i].name);
  }
  egress_bootstrap_options options = plain();
  options.node_id = NULL;
  refuses(&options, "node_id is missing");
}

Test(bootstrap, checks_its_arguments) {
  egress_text *text;
  egress_bootstrap_options options = plain();
  cr_expect_eq(egress_bootstrap(NULL, &options, NULL), EGRESS_EINVAL);
  cr_expect_eq(egress_bootstrap(&text, NULL, NULL), EGRESS_EINVAL);
  options.size = sizeof options - 1;
  cr_expect_eq(egress_bootstrap(&text, &options, NULL), EGRESS_EINVAL);
  struct {
    egress_bootstrap_options known;
    uint64_t newer;
  } later = {plain(), 1};
  later.known.size = sizeof later;
  cr_expect_eq(egress_bootstrap(&text, &later.known, NULL), EGRESS_EABI);
  later.newer = 0;
  cr_assert_eq(egress_bootstrap(&text, &later.known, NULL), 0);
  egress_text_free(text);
}

Test(bootstrap, equal_options_give_equal_text) {
  egress_bootstrap_options options = plain();
  egress_text *one = written(&options), *other = written(&options);
  cr_expect_str_eq(egress_text_data(one), egress_text_data(other));
  egress_text_free(one);
  egress_text_free(other);
}
