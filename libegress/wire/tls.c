#define _GNU_SOURCE /* explicit_bzero */
#include "wire/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <grpc/grpc_security.h>

#include <egress/error.h>

#include "base/diag.h"
#include "wire/pem.h"
#include "wire/tcp.h"

/* gRPC's words for a socket of each kind that it tried have about 700 bytes. */
enum { WHY_SIZE = 2048 };

static const egress__place nowhere;

static int is_given(const char *text) {
  return text != NULL;
}

int egress__tls_check(const egress_listen_options *options, egress_diag *diag) {
  if (is_given(options->tls_cert) != is_given(options->tls_key))
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "TLS needs both a certificate and its key; %s is missing",
                              is_given(options->tls_cert) ? "tls_key" : "tls_cert");
  if (is_given(options->tls_client_ca) && !is_given(options->tls_cert))
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere,
                              "client certificates need TLS: tls_client_ca is given without tls_cert and tls_key");
  if (!is_given(options->tls_cert))
    return 0;
  int rv = egress__pem_check_pair(options->tls_cert, options->tls_key, diag);
  if (rv == 0 && is_given(options->tls_client_ca))
    rv = egress__pem_check_authorities(options->tls_client_ca, diag);
  return rv;
}

static char *copy_or_null(const egress_alloc *alloc, const char *text) {
  return text == NULL ? NULL : egress__strdup(alloc, text);
}

int egress__tls_copy(egress__tls *out, const egress_alloc *alloc, const egress_listen_options *options) {
  egress__tls tls = {copy_or_null(alloc, options->tls_cert), copy_or_null(alloc, options->tls_key),
                     copy_or_null(alloc, options->tls_client_ca)};
  if ((tls.cert == NULL && options->tls_cert != NULL) || (tls.key == NULL && options->tls_key != NULL) ||
      (tls.client_ca == NULL && options->tls_client_ca != NULL)) {
    egress__tls_dispose(&tls, alloc);
    return EGRESS_ENOMEM;
  }
  *out = tls;
  return 0;
}

void egress__tls_dispose(egress__tls *tls, const egress_alloc *alloc) {
  if (tls->key != NULL)
    explicit_bzero(tls->key, strlen(tls->key));
  egress__free(alloc, tls->cert);
  egress__free(alloc, tls->key);
  egress__free(alloc, tls->client_ca);
  *tls = (egress__tls){0};
}

/* ---- what the next client is shown ---- */

struct egress__tls_feed {
  const egress_alloc *alloc;
  uv_mutex_t lock;                          /* of `next` */
  grpc_ssl_server_certificate_config *next; /* NULL: gRPC has the newest */
};

/* gRPC asserts that there are authorities; where clients are not asked for certificates, it makes no use of them. */
static grpc_ssl_server_certificate_config *config_of(const egress__tls *tls) {
  const grpc_ssl_pem_key_cert_pair pair = {.private_key = tls->key, .cert_chain = tls->cert};
  return grpc_ssl_server_certificate_config_create(tls->client_ca != NULL ? tls->client_ca : tls->cert, &pair, 1);
}

egress__tls_feed *egress__tls_feed_new(const egress_alloc *alloc, const egress__tls *tls) {
  egress__tls_feed *feed = egress__calloc(alloc, 1, sizeof *feed);
  if (feed == NULL)
    return NULL;
  if (uv_mutex_init(&feed->lock) != 0) {
    egress__free(alloc, feed);
    return NULL;
  }
  feed->alloc = alloc;
  feed->next = config_of(tls);
  return feed;
}

static void free_config(grpc_ssl_server_certificate_config *config) {
  if (config != NULL)
    grpc_ssl_server_certificate_config_destroy(config);
}

void egress__tls_feed_free(egress__tls_feed *feed) {
  if (feed == NULL)
    return;
  free_config(feed->next);
  uv_mutex_destroy(&feed->lock);
  egress__free(feed->alloc, feed);
}

/* Thread: any. Takes the lock. */
static grpc_ssl_server_certificate_config *exchange(egress__tls_feed *feed, grpc_ssl_server_certificate_config *next) {
  uv_mutex_lock(&feed->lock);
  grpc_ssl_server_certificate_config *old = feed->next;
  feed->next = next;
  uv_mutex_unlock(&feed->lock);
  return old;
}

void egress__tls_feed_put(egress__tls_feed *feed, const egress__tls *tls) {
  free_config(exchange(feed, config_of(tls)));
}

/* Thread: gRPC's. */
static grpc_ssl_certificate_config_reload_status fetch(void *user, grpc_ssl_server_certificate_config **config) {
  grpc_ssl_server_certificate_config *next = exchange(user, NULL);
  if (next == NULL)
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  *config = next;
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

/* ---- listening ---- */

static int add_port(const egress__gate *gate, const char *address, int is_mutual, char *why, size_t why_size) {
  grpc_server_credentials *credentials =
      grpc_ssl_server_credentials_create_with_options(grpc_ssl_server_credentials_create_options_using_config_fetcher(
          is_mutual ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                    : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
          fetch, gate->feed));
  egress__grpc_log_catch(why, why_size);
  int port = grpc_server_add_http2_port(gate->grpc, address, credentials);
  egress__grpc_log_release();
  grpc_server_credentials_release(credentials);
  return port;
}

/* The errno in gRPC's words for an address that it cannot listen on, one in use before all others; 0: there is none. */
static int errno_in(const char *line) {
  static const char mark[] = "errno:";
  int found = 0;
  for (const char *at = strstr(line, mark); at != NULL; at = strstr(at + 1, mark)) {
    int number = atoi(at + strlen(mark));
    if (found == 0 || number == EADDRINUSE)
      found = number;
  }
  return found;
}

/* Why gRPC does not listen. The texts were checked, so it should have nothing to say of them. */
static int explain(const char *line, const egress__endpoint *endpoint, egress_diag *diag) {
  int error = errno_in(line);
  if (error != 0)
    return egress__tcp_fault(endpoint, error, diag);
  return egress__diag_error(diag, EGRESS_ETLS, nowhere, "gRPC cannot use the certificate, key or authorities: %s",
                            line);
}

int egress__tls_listen(uint16_t *out_port, egress__gate *gate, const egress__endpoint *endpoint, const egress__tls *tls,
                       egress_diag *diag) {
  /* gRPC tells of an address that it could not have only within its words for people, so that is tried first. Should
     somebody take it in between, the words must do. */
  int probe;
  uint16_t port;
  int rv = egress__tcp_listen(&probe, &port, endpoint, diag);
  if (rv != 0)
    return rv;
  close(probe);
  gate->feed = egress__tls_feed_new(gate->server->alloc, tls);
  if (gate->feed == NULL)
    return EGRESS_ENOMEM;
  char address[EGRESS__ADDR_TEXT + 10], text[EGRESS__ADDR_TEXT], why[WHY_SIZE];
  snprintf(address, sizeof address, endpoint->addr.family == 4 ? "%s:%u" : "[%s]:%u",
           egress__addr_format(text, &endpoint->addr), (unsigned)endpoint->port);
  int got = add_port(gate, address, tls->client_ca != NULL, why, sizeof why);
  if (got == 0)
    return explain(why, endpoint, diag);
  *out_port = (uint16_t)got;
  return 0;
}
