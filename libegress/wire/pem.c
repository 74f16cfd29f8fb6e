#include "wire/pem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <egress/error.h>

#include "base/diag.h"

enum {
  /* All authorities that browsers trust take about 220 KiB. */
  PEM_MAX_BYTES = 1 << 20,
  /* OpenSSL takes RSA keys of up to 16,384 bits. */
  SIGNATURE_MAX_BYTES = 16 * 1024 / 8,
  LABEL_SIZE = 64 /* of "EC PRIVATE KEY"; a longer one is none that is looked for */
};

static const egress__place nowhere;
static const char chain_name[] = "the certificate (tls_cert)";
static const char key_name[] = "the private key (tls_key)";
static const char authorities_name[] = "the client authorities (tls_client_ca)";

/* ---- blocks ---- */

/* One "-----BEGIN LABEL-----" to its "-----END LABEL-----". */
typedef struct block {
  const char *begin, *end;
  size_t line; /* of its BEGIN, from 1 */
  char label[LABEL_SIZE];
} block;

/* What is left of a text. */
typedef struct reader {
  const char *at, *name;
  size_t line;      /* of `at` */
  int certificates; /* so far, the block that was read last included */
} reader;

typedef enum line_kind { LINE_OTHER, LINE_BEGIN, LINE_END, LINE_BROKEN } line_kind;

static const char *line_end(const char *line) {
  const char *newline = strchr(line, '\n');
  return newline != NULL ? newline + 1 : line + strlen(line);
}

/* Length of the line without the blanks behind it, which PEM allows. */
static size_t line_length(const char *line) {
  size_t length = (size_t)(line_end(line) - line);
  while (length > 0 && isspace((unsigned char)line[length - 1]))
    length--;
  return length;
}

static int starts_with(const char *text, size_t size, const char *start) {
  return size >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}

static int contains(const char *text, size_t size, const char *part) {
  for (size_t i = 0; i + strlen(part) <= size; i++)
    if (memcmp(text + i, part, strlen(part)) == 0)
      return 1;
  return 0;
}

/* The label of a line "-----BEGIN LABEL-----" or "-----END LABEL-----". Two dashes are enough for a broken one. */
static line_kind classify(const char *line, char label[LABEL_SIZE]) {
  size_t size = line_length(line);
  int is_begin = starts_with(line, size, "-----BEGIN "), is_end = starts_with(line, size, "-----END ");
  if (!is_begin && !is_end)
    return contains(line, size, "--BEGIN ") || contains(line, size, "--END ") ? LINE_BROKEN : LINE_OTHER;
  size_t head = strlen(is_begin ? "-----BEGIN " : "-----END ");
  if (size < head + 5 || memcmp(line + size - 5, "-----", 5) != 0)
    return LINE_BROKEN;
  snprintf(label, LABEL_SIZE, "%.*s", (int)(size - head - 5), line + head);
  return is_begin ? LINE_BEGIN : LINE_END;
}

static int broken_line(const reader *r, egress_diag *diag) {
  return egress__diag_error(diag, EGRESS_ETLS, nowhere,
                            "%s: line %zu is damaged: a \"-----BEGIN ...-----\" or \"-----END ...-----\" stands alone, "
                            "with nothing before it, and both have the same words; copy the text anew",
                            r->name, r->line);
}

/* Takes the lines behind a BEGIN, up to its END. */
static int finish_block(reader *r, block *out, egress_diag *diag) {
  while (*r->at != '\0') {
    char label[LABEL_SIZE];
    line_kind kind = classify(r->at, label);
    if (kind == LINE_BROKEN || (kind == LINE_END && strcmp(label, out->label) != 0))
      return broken_line(r, diag);
    if (kind == LINE_BEGIN)
      break;
    r->at = line_end(r->at);
    r->line++;
    if (kind == LINE_END) {
      out->end = r->at;
      return 1;
    }
  }
  return egress__diag_error(diag, EGRESS_ETLS, nowhere,
                            "%s: what begins in line %zu has no line \"-----END %s-----\"; copy the text anew", r->name,
                            out->line, out->label);
}

/* Returns 1, 0 at the end of the text, or a code. Lines outside of blocks are comments. */
static int next_block(reader *r, block *out, egress_diag *diag) {
  while (*r->at != '\0') {
    line_kind kind = classify(r->at, out->label);
    if (kind == LINE_BROKEN || kind == LINE_END)
      return broken_line(r, diag);
    out->begin = r->at;
    out->line = r->line++;
    r->at = line_end(r->at);
    if (kind == LINE_BEGIN)
      return finish_block(r, out, diag);
  }
  return 0;
}

static int begin_reading(reader *out, const char *text, const char *name, egress_diag *diag) {
  *out = (reader){.at = text, .name = name, .line = 1};
  if (text[0] == '\0')
    return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s is empty", name);
  if (strnlen(text, PEM_MAX_BYTES + 1) > PEM_MAX_BYTES)
    return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s has more than %d bytes; give only what is needed of it",
                              name, PEM_MAX_BYTES);
  return 0;
}

static int no_block(const char *name, const char *label, egress_diag *diag) {
  return egress__diag_error(diag, EGRESS_ETLS, nowhere,
                            "%s is not PEM text of that kind: it has no line \"-----BEGIN %s-----\"", name, label);
}

/* ---- what is in a block ---- */

static int is_certificate(const char *label) {
  return strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0;
}

static int is_key(const char *label) {
  static const char kind[] = "PRIVATE KEY";
  size_t size = strlen(label);
  return size >= strlen(kind) && strcmp(label + size - strlen(kind), kind) == 0;
}

static int block_fault(const reader *r, const block *b, const char *what, egress_diag *diag) {
  if (is_certificate(b->label))
    return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s: certificate %d, from line %zu on, %s", r->name,
                              r->certificates, b->line, what);
  return egress__diag_error(diag, EGRESS_ETLS, nowhere, "%s: the %s from line %zu on %s", r->name, b->label, b->line,
                            what);
}

typedef struct contents {
  unsigned char *bytes;
  long size;
  char *label, *header;
} contents;

/* Wipes, too. */
static void dispose(contents *c) {
  OPENSSL_secure_clear_free(c->bytes, (size_t)c->size);
  OPENSSL_secure_free(c->label);
  OPENSSL_secure_free(c->header);
}

static int out_of_memory(void) {
  return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

static int decode(contents *out, const reader *r, const block *b, egress_diag *diag) {
  *out = (contents){0};
  BIO *bio = BIO_new_mem_buf(b->begin, (int)(b->end - b->begin));
  if (bio == NULL)
    return EGRESS_ENOMEM;
  unsigned flags = PEM_FLAG_EAY_COMPATIBLE | (is_key(b->label) ? PEM_FLAG_SECURE : 0);
  int ok = PEM_read_bio_ex(bio, &out->label, &out->header, &out->bytes, &out->size, flags);
  BIO_free(bio);
  if (ok == 1)
    return 0;
  return out_of_memory() ? EGRESS_ENOMEM : block_fault(r, b, "is damaged: its text is not Base64; copy it anew", diag);
}

/* Returns 1 with a block that the caller disposes of, 0 at the end, or a code. */
static int read_block(reader *r, block *b, contents *c, egress_diag *diag) {
  int rv = next_block(r, b, diag);
  if (rv != 1)
    return rv;
  r->certificates += is_certificate(b->label);
  rv = decode(c, r, b, diag);
  return rv == 0 ? 1 : rv;
}

/* ---- certificates ---- */

static int parse_certificate(X509 **out, const contents *c, const reader *r, const block *b, egress_diag *diag) {
  const unsigned char *end = c->bytes;
  X509 *cert = d2i_X509(NULL, &end, c->size);
  if (cert != NULL && end == c->bytes + c->size) {
    *out = cert;
    return 0;
  }
  int has_no_memory = cert == NULL && out_of_memory();
  X509_free(cert);
  return has_no_memory
             ? EGRESS_ENOMEM
             : block_fault(r, b, "is damaged: it decodes to something else than a certificate; copy it anew", diag);
}

/* Adds the certificate of a block to `all`; blocks of other kinds, such as a key, are left out. */
static int take_certificate(STACK_OF(X509) * all, const contents *c, const reader *r, const block *b,
                            egress_diag *diag) {
  if (strcmp(b->label, "TRUSTED CERTIFICATE") == 0)
    return block_fault(r, b, "is of a kind that only OpenSSL knows; \"openssl x509\" makes a plain one of it", diag);
  if (!is_certificate(b->label))
    return 0;
  X509 *cert = NULL;
  int rv = parse_certificate(&cert, c, r, b, diag);
  if (rv == 0 && sk_X509_push(all, cert) == 0) {
    X509_free(cert);
    rv = EGRESS_ENOMEM;
  }
  return rv;
}

static int take_certificates(STACK_OF(X509) * all, reader *r, egress_diag *diag) {
  block b;
  contents c;
  int rv;
  while ((rv = read_block(r, &b, &c, diag)) == 1) {
    rv = take_certificate(all, &c, r, &b, diag);
    dispose(&c);
    if (rv != 0)
      return rv;
  }
  if (rv == 0 && r->certificates == 0)
    rv = no_block(r->name, "CERTIFICATE", diag);
  return rv;
}

static void free_certificates(STACK_OF(X509) * all) {
  sk_X509_pop_free(all, X509_free);
}

/* All certificates of a text, at least one. */
static int read_certificates(STACK_OF(X509) * *out, const char *text, const char *name, egress_diag *diag) {
  reader r;
  int rv = begin_reading(&r, text, name, diag);
  if (rv != 0)
    return rv;
  STACK_OF(X509) *all = sk_X509_new_null();
  if (all == NULL)
    return EGRESS_ENOMEM;
  rv = take_certificates(all, &r, diag);
  if (rv != 0) {
    free_certificates(all);
    return rv;
  }
  *out = all;
  return 0;
}

/* ---- the key ---- */

/* 1 when what the private half signs is true for the public half. OpenSSL's own check of an RSA key takes a second. */
static int can_sign(EVP_PKEY *key) {
  static const unsigned char text[] = "signed";
  unsigned char signature[SIGNATURE_MAX_BYTES];
  size_t size = sizeof signature;
  EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
  int ok = sign != NULL && verify != NULL && EVP_DigestSignInit(sign, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestSign(sign, signature, &size, text, sizeof text) == 1 &&
           EVP_DigestVerifyInit(verify, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestVerify(verify, signature, size, text, sizeof text) == 1;
  EVP_MD_CTX_free(sign);
  EVP_MD_CTX_free(verify);
  return ok;
}

static int parse_key(EVP_PKEY **out, const contents *c, const reader *r, const block *b, egress_diag *diag) {
  if (strncmp(b->label, "ENCRYPTED ", 10) == 0 || strstr(c->header, "ENCRYPTED") != NULL)
    return block_fault(r, b,
                       "is encrypted, and nobody is asked for its passphrase; give it without one, as \"openssl pkey\" "
                       "writes it",
                       diag);
  const unsigned char *end = c->bytes;
  EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &end, c->size);
  if (key != NULL && end == c->bytes + c->size && can_sign(key)) {
    *out = key;
    return 0;
  }
  int has_no_memory = out_of_memory();
  EVP_PKEY_free(key);
  return has_no_memory ? EGRESS_ENOMEM
                       : block_fault(r, b,
                                     "is damaged, or of a kind that cannot sign; copy it anew, or make a new "
                                     "key and certificate",
                                     diag);
}

/* The first private key of a text, any others are left alone. */
static int read_key(EVP_PKEY **out, const char *text, egress_diag *diag) {
  reader r;
  block b;
  contents c;
  int rv = begin_reading(&r, text, key_name, diag);
  if (rv != 0)
    return rv;
  while ((rv = read_block(&r, &b, &c, diag)) == 1) {
    int found = is_key(b.label);
    rv = found ? parse_key(out, &c, &r, &b, diag) : 0;
    dispose(&c);
    if (found)
      return rv;
  }
  return rv != 0 ? rv : no_block(key_name, "PRIVATE KEY", diag);
}

/* ---- together ---- */

static int match(STACK_OF(X509) * chain, EVP_PKEY *key, egress_diag *diag) {
  for (int i = 0; i < sk_X509_num(chain); i++) {
    if (X509_check_private_key(sk_X509_value(chain, i), key) != 1)
      continue;
    if (i == 0)
      return 0;
    return egress__diag_error(diag, EGRESS_ETLS, nowhere,
                              "%s belongs to certificate %d of %s, and must belong to the first; put the server's own "
                              "certificate first and those of its authorities behind it",
                              key_name, i + 1, chain_name);
  }
  return egress__diag_error(diag, EGRESS_ETLS, nowhere,
                            "%s does not belong to %s; give the key with which that certificate was asked for",
                            key_name, chain_name);
}

/* OpenSSL has a level of security, which the machine's administrator sets. */
static int too_weak(egress_diag *diag) {
  if (out_of_memory())
    return EGRESS_ENOMEM;
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  return egress__diag_error(diag, EGRESS_ETLS, nowhere,
                            "%s is too weak for OpenSSL on this machine (%s); make one with an EC key, or with an RSA "
                            "key of at least 2048 bits, signed with SHA-256",
                            chain_name, reason != NULL ? reason : "it does not say why");
}

static int use_chain(SSL_CTX *context, STACK_OF(X509) * certs, EVP_PKEY *key, egress_diag *diag) {
  if (SSL_CTX_use_certificate(context, sk_X509_value(certs, 0)) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
    return too_weak(diag);
  for (int i = 1; i < sk_X509_num(certs); i++)
    if (SSL_CTX_add1_chain_cert(context, sk_X509_value(certs, i)) != 1)
      return too_weak(diag);
  return 0;
}

static int use_pair(SSL_CTX *context, const char *chain, const char *key, egress_diag *diag) {
  STACK_OF(X509) * certs;
  EVP_PKEY *parsed = NULL;
  int rv = read_certificates(&certs, chain, chain_name, diag);
  if (rv != 0)
    return rv;
  rv = read_key(&parsed, key, diag);
  if (rv == 0) {
    rv = match(certs, parsed, diag);
    if (rv == 0)
      rv = use_chain(context, certs, parsed, diag);
    EVP_PKEY_free(parsed);
  }
  free_certificates(certs);
  return rv;
}

static int use_authorities(SSL_CTX *context, const char *text, egress_diag *diag) {
  STACK_OF(X509) * certs;
  int rv = read_certificates(&certs, text, authorities_name, diag);
  if (rv != 0)
    return rv;
  for (int i = 0; rv == 0 && i < sk_X509_num(certs); i++) {
    X509 *cert = sk_X509_value(certs, i);
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), cert) != 1 || SSL_CTX_add_client_CA(context, cert) != 1)
      rv = EGRESS_ENOMEM;
  }
  free_certificates(certs);
  return rv;
}

int egress__pem_use_pair(SSL_CTX *context, const char *chain, const char *key, egress_diag *diag) {
  ERR_set_mark();
  int rv = use_pair(context, chain, key, diag);
  ERR_pop_to_mark();
  return rv;
}

int egress__pem_use_authorities(SSL_CTX *context, const char *text, egress_diag *diag) {
  ERR_set_mark();
  int rv = use_authorities(context, text, diag);
  ERR_pop_to_mark();
  return rv;
}
