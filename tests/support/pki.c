#include "support/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { VALID_S = 24 * 60 * 60 };

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "pki: %s\n", what);
  abort();
}

/* The text in `bio`, which is freed. */
static char *take(BIO *bio) {
  char *bytes;
  long size = BIO_get_mem_data(bio, &bytes);
  char *text = strndup(bytes, (size_t)size);
  must(text != NULL, "memory");
  BIO_free(bio);
  return text;
}

EVP_PKEY *pki_key(const char *kind) {
  EVP_PKEY *key = strcmp(kind, "EC") == 0    ? EVP_PKEY_Q_keygen(NULL, NULL, kind, "P-256")
                  : strcmp(kind, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, kind, (size_t)2048)
                                             : EVP_PKEY_Q_keygen(NULL, NULL, kind);
  must(key != NULL, kind);
  return key;
}

static void name_it(X509 *cert, const char *common_name, const char *names) {
  X509_NAME *name = X509_get_subject_name(cert);
  const unsigned char *text = (const unsigned char *)common_name;
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0), "name");
  must(X509_set_issuer_name(cert, name), "issuer");
  if (names == NULL)
    return;
  X509_EXTENSION *others = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
  must(others != NULL && X509_add_ext(cert, others, -1), "subject alternative names");
  X509_EXTENSION_free(others);
}

char *pki_client_certificate(EVP_PKEY *key, const char *common_name, const char *names) {
  X509 *cert = X509_new();
  BIO *bio = BIO_new(BIO_s_mem());
  must(cert != NULL && bio != NULL, "memory");
  must(X509_set_version(cert, X509_VERSION_3) && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), "serial number");
  must(X509_gmtime_adj(X509_getm_notBefore(cert), 0) && X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S), "dates");
  must(X509_set_pubkey(cert, key), "public key");
  name_it(cert, common_name, names);
  must(X509_sign(cert, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()), "signature");
  must(PEM_write_bio_X509(bio, cert), "text");
  X509_free(cert);
  return take(bio);
}

char *pki_certificate(EVP_PKEY *key) {
  return pki_client_certificate(key, "localhost", "DNS:localhost");
}

static const EVP_CIPHER *cipher_for(const char *passphrase) {
  return passphrase != NULL ? EVP_aes_128_cbc() : NULL;
}

char *pki_key_text(EVP_PKEY *key, const char *passphrase) {
  BIO *bio = BIO_new(BIO_s_mem());
  must(bio != NULL, "memory");
  must(PEM_write_bio_PrivateKey(bio, key, cipher_for(passphrase), NULL, 0, NULL, (void *)(uintptr_t)passphrase), "key");
  return take(bio);
}

char *pki_old_key_text(EVP_PKEY *key, const char *passphrase) {
  BIO *bio = BIO_new(BIO_s_mem());
  must(bio != NULL, "memory");
  must(PEM_write_bio_PrivateKey_traditional(bio, key, cipher_for(passphrase), NULL, 0, NULL,
                                            (void *)(uintptr_t)passphrase),
       "key");
  return take(bio);
}

char *pki_join(const char *first, const char *second) {
  char *text = malloc(strlen(first) + strlen(second) + 1);
  must(text != NULL, "memory");
  return strcat(strcpy(text, first), second);
}
