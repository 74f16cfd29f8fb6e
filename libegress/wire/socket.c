#include "wire/socket.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include <egress/error.h>

/* A record of TLS holds this much; small pieces are put together, so that each does not make a record of its own. */
enum { RECORD = 16 * 1024 };

/* ---- OpenSSL's way to the descriptor ---- */

static int fd_of(BIO *bio) {
  return (int)(intptr_t)BIO_get_data(bio);
}

static int again(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int bio_write(BIO *bio, const char *data, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t n = send(fd_of(bio), data, (size_t)size, MSG_NOSIGNAL);
  if (n < 0 && again())
    BIO_set_retry_write(bio);
  return (int)n;
}

static int bio_read(BIO *bio, char *data, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t n = recv(fd_of(bio), data, (size_t)size, 0);
  if (n < 0 && again())
    BIO_set_retry_read(bio);
  return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *data) {
  (void)bio;
  (void)number;
  (void)data;
  return command == BIO_CTRL_FLUSH; /* nothing is kept back */
}

BIO_METHOD *egress__socket_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "descriptor");
  if (method == NULL)
    return NULL;
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_ctrl);
  return method;
}

static SSL *open_tls(int fd, SSL_CTX *context, const BIO_METHOD *method) {
  SSL *ssl = SSL_new(context);
  BIO *bio = BIO_new(method);
  if (ssl == NULL || bio == NULL) {
    SSL_free(ssl);
    BIO_free(bio);
    ERR_clear_error();
    return NULL;
  }
  BIO_set_data(bio, (void *)(intptr_t)fd);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return ssl;
}

int egress__socket_open(egress__socket *out, int fd, SSL_CTX *context, const BIO_METHOD *method) {
  egress__socket made = {.fd = fd};
  if (context != NULL && (made.ssl = open_tls(fd, context, method)) == NULL)
    return EGRESS_ENOMEM;
  *out = made;
  return 0;
}

void egress__socket_finish(egress__socket *socket) {
  if (socket->ssl != NULL && SSL_is_init_finished(socket->ssl))
    SSL_shutdown(socket->ssl);
  ERR_clear_error();
  shutdown(socket->fd, SHUT_WR);
}

void egress__socket_close(egress__socket *socket) {
  if (socket->ssl != NULL && SSL_is_init_finished(socket->ssl) &&
      (SSL_get_shutdown(socket->ssl) & SSL_SENT_SHUTDOWN) == 0)
    SSL_shutdown(socket->ssl);
  SSL_free(socket->ssl);
  ERR_clear_error();
  close(socket->fd);
  *socket = (egress__socket){.fd = -1};
}

/* A client that offers no protocol at all has none in common with us. */
static int agreed_on_http2(const SSL *ssl) {
  const unsigned char *name;
  unsigned size;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return size == 2 && memcmp(name, "h2", 2) == 0;
}

int egress__socket_is_ready(const egress__socket *socket) {
  return socket->ssl == NULL || (SSL_is_init_finished(socket->ssl) && agreed_on_http2(socket->ssl));
}

/* ---- bytes ---- */

static egress__socket_end end_of(int error) {
  switch (error) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE:
    return EGRESS__SOCKET_AGAIN;
  case SSL_ERROR_ZERO_RETURN:
    return EGRESS__SOCKET_CLOSED;
  case SSL_ERROR_SSL:
    return EGRESS__SOCKET_BROKEN;
  default: /* also when the client closes it without telling TLS: something may have been cut off */
    return EGRESS__SOCKET_GONE;
  }
}

static ssize_t tls_failed(egress__socket *socket, int rv) {
  int error = SSL_get_error(socket->ssl, rv);
  ERR_clear_error();
  socket->waits_for_write = error == SSL_ERROR_WANT_WRITE;
  return end_of(error);
}

static ssize_t tls_read(egress__socket *socket, void *out, size_t size) {
  size_t n;
  socket->waits_for_write = 0;
  ERR_clear_error(); /* what others left there would be taken for what happens here */
  int rv = SSL_read_ex(socket->ssl, out, size, &n);
  if (rv != 1)
    return tls_failed(socket, rv);
  return agreed_on_http2(socket->ssl) ? (ssize_t)n : EGRESS__SOCKET_BROKEN;
}

ssize_t egress__socket_read(egress__socket *socket, void *out, size_t size) {
  if (socket->ssl != NULL)
    return tls_read(socket, out, size);
  ssize_t n = recv(socket->fd, out, size, 0);
  if (n > 0)
    return n;
  if (n == 0)
    return EGRESS__SOCKET_CLOSED;
  return again() ? EGRESS__SOCKET_AGAIN : EGRESS__SOCKET_GONE;
}

/* Puts the front of the pieces together; returns how much that is. */
static size_t gather(uint8_t out[RECORD], const struct iovec *pieces, size_t count, size_t skipped) {
  size_t size = 0;
  for (size_t i = 0; i < count && size < RECORD; i++) {
    if (skipped >= pieces[i].iov_len) {
      skipped -= pieces[i].iov_len;
      continue;
    }
    size_t left = pieces[i].iov_len - skipped, part = left < RECORD - size ? left : RECORD - size;
    memcpy(out + size, (const uint8_t *)pieces[i].iov_base + skipped, part);
    size += part;
    skipped = 0;
  }
  return size;
}

/* Where a write has to wait, OpenSSL wants the same bytes next time: records are cut at the same places then. */
static ssize_t tls_write(egress__socket *socket, const struct iovec *pieces, size_t count) {
  uint8_t record[RECORD];
  size_t written = 0, size;
  socket->waits_for_write = 0;
  while ((size = gather(record, pieces, count, written)) > 0) {
    size_t n;
    ERR_clear_error();
    int rv = SSL_write_ex(socket->ssl, record, size, &n);
    if (rv != 1) {
      ssize_t end = tls_failed(socket, rv);
      return written > 0 && end == EGRESS__SOCKET_AGAIN ? (ssize_t)written : end;
    }
    assert(n == size && "partial writes are not allowed");
    written += n;
  }
  return (ssize_t)written;
}

ssize_t egress__socket_write(egress__socket *socket, const struct iovec *pieces, size_t count) {
  if (socket->ssl != NULL)
    return tls_write(socket, pieces, count);
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = count};
  ssize_t n = sendmsg(socket->fd, &message, MSG_NOSIGNAL);
  if (n >= 0)
    return n;
  return again() ? EGRESS__SOCKET_AGAIN : EGRESS__SOCKET_GONE;
}
