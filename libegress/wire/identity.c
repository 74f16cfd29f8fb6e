/*
 * The names of a certificate are read when somebody asks, so that a stream keeps nothing of them. OpenSSL bounds their
 * size: it takes no chain of certificates above 100 KiB.
 */
#include "wire/identity.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <egress/error.h>

#include "base/protowire.h"

static const char spiffe_scheme[] = "spiffe://";

/* The names of a certificate. */
typedef struct reading {
  GENERAL_NAMES *names; /* NULL: there are none */
  unsigned char *common_name;
  int common_name_size;
} reading;

/* A name with a NUL in it would be read as a shorter one, which somebody else may have. */
static int is_name(const unsigned char *text, size_t size) {
  return memchr(text, '\0', size) == NULL && egress__span_is_text((egress__span){text, size});
}

static const ASN1_IA5STRING *text_of(const GENERAL_NAME *name, int kind) {
  if (name->type != kind)
    return NULL;
  const ASN1_IA5STRING *text = kind == GEN_URI ? name->d.uniformResourceIdentifier : name->d.dNSName;
  return is_name(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)) ? text : NULL;
}

static size_t measure(size_t *bytes, const reading *from, int kind) {
  size_t count = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(from->names); i++) {
    const ASN1_IA5STRING *text = text_of(sk_GENERAL_NAME_value(from->names, i), kind);
    if (text == NULL)
      continue;
    *bytes += (size_t)ASN1_STRING_length(text) + 1;
    count++;
  }
  return count;
}

static const char *copy(char **to, const unsigned char *bytes, size_t size) {
  const char *text = *to;
  memcpy(*to, bytes, size);
  (*to)[size] = '\0';
  *to += size + 1;
  return text;
}

static void copy_all(const char **list, char **to, const reading *from, int kind) {
  for (int i = 0; i < sk_GENERAL_NAME_num(from->names); i++) {
    const ASN1_IA5STRING *text = text_of(sk_GENERAL_NAME_value(from->names, i), kind);
    if (text != NULL)
      *list++ = copy(to, ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
  }
}

/* A SPIFFE certificate has exactly one URI, and that is its ID (X509-SVID, 2). */
static const char *spiffe_id(const egress_peer *peer) {
  int is_one = peer->uri_count == 1 && strncmp(peer->uris[0], spiffe_scheme, strlen(spiffe_scheme)) == 0;
  return is_one ? peer->uris[0] : "";
}

/* Sizes cannot overflow: see above. */
static int copy_names(egress__identity *out, const egress_alloc *alloc, const reading *from) {
  size_t bytes = (size_t)from->common_name_size + 1;
  size_t uris = measure(&bytes, from, GEN_URI), dns_names = measure(&bytes, from, GEN_DNS);
  const char **list = egress__malloc(alloc, (uris + dns_names) * sizeof *list + bytes);
  if (list == NULL)
    return EGRESS_ENOMEM;
  char *text = (char *)(list + uris + dns_names);
  copy_all(list, &text, from, GEN_URI);
  copy_all(list + uris, &text, from, GEN_DNS);
  out->peer.common_name = copy(&text, from->common_name, (size_t)from->common_name_size);
  out->peer.uris = list;
  out->peer.uri_count = uris;
  out->peer.dns_names = list + uris;
  out->peer.dns_name_count = dns_names;
  out->peer.spiffe_id = spiffe_id(&out->peer);
  out->names = list;
  return 0;
}

/* The first common name as UTF-8. What cannot be read as that is nobody's name. */
static void read_common_name(reading *out, X509 *cert) {
  X509_NAME *subject = X509_get_subject_name(cert);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0)
    return;
  out->common_name_size =
      ASN1_STRING_to_UTF8(&out->common_name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (out->common_name_size < 0 || !is_name(out->common_name, (size_t)out->common_name_size))
    out->common_name_size = 0;
}

static int read_names(egress__identity *out, const egress_alloc *alloc, X509 *cert) {
  reading from = {.names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL)};
  read_common_name(&from, cert);
  int rv = copy_names(out, alloc, &from);
  GENERAL_NAMES_free(from.names);
  OPENSSL_free(from.common_name);
  return rv;
}

int egress__identity_read(egress__identity *out, const egress_alloc *alloc, X509 *cert, egress_transport transport,
                          const char *address) {
  egress__identity identity = {
      .peer = {.address = address, .spiffe_id = "", .common_name = "", .transport = (int32_t)transport}};
  int rv = 0;
  if (transport == EGRESS_TRANSPORT_MUTUAL_TLS && cert != NULL) {
    ERR_set_mark();
    rv = read_names(&identity, alloc, cert);
    ERR_pop_to_mark();
  }
  if (rv == 0)
    *out = identity;
  return rv;
}

void egress__identity_dispose(egress__identity *identity, const egress_alloc *alloc) {
  egress__free(alloc, identity->names);
  *identity = (egress__identity){0};
}
