#include "wire/tls.h"

#include <string.h>

#include <grpc/grpc_security.h>

#include <egress/error.h>

#include "base/diag.h"

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

int egress__tls_listen(uint16_t *out_port, egress__gate *gate, const char *address,
                       const egress_listen_options *options, egress_diag *diag) {
  grpc_ssl_pem_key_cert_pair pair = {.private_key = options->tls_key, .cert_chain = options->tls_cert};
  grpc_server_credentials *credentials = grpc_ssl_server_credentials_create_ex(
      options->tls_client_ca, &pair, 1,
      options->tls_client_ca != NULL ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                     : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
      NULL);
  char why[512];
  egress__grpc_log_catch(why, sizeof why);
  int port = grpc_server_add_http2_port(gate->grpc, address, credentials);
  egress__grpc_log_release();
  grpc_server_credentials_release(credentials);
  if (port == 0)
    return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s", explain(why));
  *out_port = (uint16_t)port;
  return 0;
}
