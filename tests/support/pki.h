#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include <openssl/evp.h>

/* Keys and certificates made on the spot. Texts are the caller's, by free; any failure ends the process. */

/** A key: "EC", "RSA" (of 2048 bits) or "ED25519"; the caller's, by EVP_PKEY_free. */
EVP_PKEY *pki_key(const char *kind);

/** PEM text of a certificate of `key` for localhost, signed by itself. */
char *pki_certificate(EVP_PKEY *key);

/**
 * The same for a client. `names` are alternative ones as OpenSSL writes them, such as "URI:spiffe://a.example/b,DNS:c";
 * NULL: none.
 */
char *pki_client_certificate(EVP_PKEY *key, const char *common_name, const char *names);

/** PEM text of the key, as "PRIVATE KEY"; with a passphrase as "ENCRYPTED PRIVATE KEY". */
char *pki_key_text(EVP_PKEY *key, const char *passphrase);

/** The same in the form before that, such as "EC PRIVATE KEY", which says in a header that it is encrypted. */
char *pki_old_key_text(EVP_PKEY *key, const char *passphrase);

/** Both texts, one behind the other. */
char *pki_join(const char *first, const char *second);

#endif
