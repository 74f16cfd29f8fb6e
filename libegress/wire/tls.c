#include "wire/tls.h"

#include <string.h>

#include <openssl/err.h>

#include <egress/error.h>

#include "base/diag.h"
#include "wire/pem.h"

/* Those of TLS 1.2 that HTTP/2 allows (RFC 9113, 9.2.2), with forward secrecy; TLS 1.3 has no others. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static const egress__place nowhere;

/* Half a key pair is more likely a mistake than a wish for plaintext. */
static int check_whole(const egress_listen_options *options, egress_diag *diag) {
  if ((options->tls_cert != NULL) != (options->tls_key != NULL))
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere, "TLS needs both a certificate and its key; %s is missing",
                              options->tls_cert != NULL ? "tls_key" : "tls_cert");
  if (options->tls_client_ca != NULL && options->tls_cert == NULL)
    return egress__diag_error(diag, EGRESS_EINVAL, nowhere,
                              "client certificates need TLS: tls_client_ca is given without tls_cert and tls_key");
  return 0;
}

/* A client that offers protocols, but not HTTP/2, is told so; one that offers none is noticed later (wire/socket.c). */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *offered,
                           unsigned offered_size, void *user) {
  (void)ssl;
  (void)user;
  for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
    if (offered[at] != 2 || memcmp(offered + at + 1, "h2", 2) != 0)
      continue;
    *out = offered + at + 1;
    *out_size = 2;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* What does not depend on the options. Sessions are not resumed: a client that comes again is looked at again. */
static SSL_CTX *new_context(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL)
    return NULL;
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(context, ciphers) != 1) {
    SSL_CTX_free(context);
    return NULL;
  }
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY); /* a client that sends new keys for ever does not keep the loop */
  SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
  return context;
}

int egress__tls_context(SSL_CTX **out, const egress_listen_options *options, egress_diag *diag) {
  int rv = check_whole(options, diag);
  if (rv != 0)
    return rv;
  *out = NULL;
  if (options->tls_cert == NULL)
    return 0;
  ERR_set_mark();
  SSL_CTX *context = new_context();
  ERR_pop_to_mark();
  if (context == NULL)
    return EGRESS_ENOMEM;
  rv = egress__pem_use_pair(context, options->tls_cert, options->tls_key, diag);
  if (rv == 0 && options->tls_client_ca != NULL) {
    rv = egress__pem_use_authorities(context, options->tls_client_ca, diag);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  }
  if (rv != 0)
    SSL_CTX_free(context);
  else
    *out = context;
  return rv;
}
