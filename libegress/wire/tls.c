#define _GNU_SOURCE /* explicit_bzero */
#include "wire/tls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <grpc/grpc_security.h>

#include <egress/error.h>

#include "base/diag.h"
#include "wire/tcp.h"

static const egress__place nowhere;

static int is_given(const char *text) {
  return text != NULL;
}

static int check_pem(const char *text, const char *label, const char *what, egress_diag *diag) {
  if (text[0] == '\0')
    return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s is empty", what);
  if (strstr(text, label) == NULL)
    return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s is not PEM text: there is no line \"-----BEGIN ...%s\"",
                              what, label);
  return 0;
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
  int rv = check_pem(options->tls_cert, "CERTIFICATE-----", "the certificate (tls_cert)", diag);
  if (rv == 0)
    rv = check_pem(options->tls_key, "PRIVATE KEY-----", "the private key (tls_key)", diag);
  if (rv == 0 && is_given(options->tls_client_ca))
    rv = check_pem(options->tls_client_ca, "CERTIFICATE-----", "the client authorities (tls_client_ca)", diag);
  if (rv == 0 && strstr(options->tls_key, "ENCRYPTED") != NULL)
    rv = egress__diag_error(diag, EGRESS_ETLS, nowhere, "the private key is encrypted; give it without a passphrase");
  return rv;
}

/* What gRPC's words mean for whoever gave the options; its own where they are not known. */
static const char *explain(const char *line) {
  if (strstr(line, "Invalid cert chain") != NULL)
    return "the certificate (tls_cert) is damaged";
  if (strstr(line, "Invalid private key") != NULL)
    return "the private key (tls_key) is damaged, or does not belong to the certificate (tls_cert)";
  if (strstr(line, "root cert") != NULL)
    return "the client authorities (tls_client_ca) are damaged";
  return line;
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

static int add_port(const egress__gate *gate, const char *address, const egress__tls *tls, char *why, size_t why_size) {
  grpc_ssl_pem_key_cert_pair pair = {.private_key = tls->key, .cert_chain = tls->cert};
  grpc_server_credentials *credentials = grpc_ssl_server_credentials_create_ex(
      tls->client_ca, &pair, 1,
      tls->client_ca != NULL ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                             : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
      NULL);
  egress__grpc_log_catch(why, why_size);
  int port = grpc_server_add_http2_port(gate->grpc, address, credentials);
  egress__grpc_log_release();
  grpc_server_credentials_release(credentials);
  return port;
}

int egress__tls_listen(uint16_t *out_port, egress__gate *gate, const egress__endpoint *endpoint, const egress__tls *tls,
                       egress_diag *diag) {
  /* Of an address in use gRPC tells nothing but that there was an error, so it is tried first. */
  int probe;
  uint16_t port;
  int rv = egress__tcp_listen(&probe, &port, endpoint, diag);
  if (rv != 0)
    return rv;
  close(probe);
  char address[EGRESS__ADDR_TEXT + 10], text[EGRESS__ADDR_TEXT], why[512];
  snprintf(address, sizeof address, endpoint->addr.family == 4 ? "%s:%u" : "[%s]:%u",
           egress__addr_format(text, &endpoint->addr), (unsigned)endpoint->port);
  int got = add_port(gate, address, tls, why, sizeof why);
  if (got == 0)
    return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s", explain(why));
  *out_port = (uint16_t)got;
  return 0;
}
