#ifndef EGRESS_WIRE_SOCKET_H
#define EGRESS_WIRE_SOCKET_H

#include <sys/types.h>
#include <sys/uio.h>

#include <openssl/ssl.h>

/** A connected descriptor, with TLS on it or without. Thread: the loop's. */
typedef struct egress__socket {
  int fd;
  SSL *ssl;            /* NULL: plaintext */
  int waits_for_write; /* TLS: even to read, something has to be written first */
} egress__socket;

/** What reading and writing return instead of a number of bytes. */
typedef enum egress__socket_end {
  EGRESS__SOCKET_AGAIN = -1,  /* not now: wait for the descriptor */
  EGRESS__SOCKET_GONE = -2,   /* the connection is lost */
  EGRESS__SOCKET_CLOSED = -3, /* the client has closed it */
  EGRESS__SOCKET_BROKEN = -4  /* the client does not keep to TLS, or not agree on HTTP/2 by it */
} egress__socket_end;

/** A way for OpenSSL to a descriptor that raises no SIGPIPE. NULL when out of memory; BIO_meth_free. */
BIO_METHOD *egress__socket_method(void);

/**
 * Takes `fd` over on success. `context` NULL: plaintext; else the server's side of TLS, by `method`, which outlives the
 * socket. Returns 0 or EGRESS_ENOMEM.
 */
int egress__socket_open(egress__socket *out, int fd, SSL_CTX *context, const BIO_METHOD *method);

/** Closes the descriptor; of TLS, says so first. */
void egress__socket_close(egress__socket *socket);

/** Says that nothing more will be written. */
void egress__socket_finish(egress__socket *socket);

/** 1 once the client may be spoken to: by TLS, after a handshake that agreed on HTTP/2. */
int egress__socket_is_ready(const egress__socket *socket);

/** Up to `size` bytes, which are not none; or an egress__socket_end. */
ssize_t egress__socket_read(egress__socket *socket, void *out, size_t size);

/**
 * Writes from the front of the pieces; what it did not write has to be the front of the next call. Returns the number
 * of bytes, or an egress__socket_end.
 */
ssize_t egress__socket_write(egress__socket *socket, const struct iovec *pieces, size_t count);

#endif
