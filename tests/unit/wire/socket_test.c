#include "wire/socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <egress/error.h>

#include "support/pki.h"
#include "wire/tls.h"

enum { SMALL = 4096, LONG = 300 * 1000, PIECE = 7001, TURNS = 1000 * 1000 };

static BIO_METHOD *method;
static SSL_CTX *server_context, *client_context;
static egress__socket ours;
static int theirs;  /* the client's descriptor */
static SSL *client; /* NULL: plaintext */

static void make_server_context(void) {
  EVP_PKEY *pair = pki_key("EC");
  char *cert = pki_certificate(pair), *key = pki_key_text(pair, NULL);
  egress_listen_options options = EGRESS_LISTEN_OPTIONS_INIT;
  options.tls_cert = cert;
  options.tls_key = key;
  cr_assert_eq(egress__tls_context(&server_context, &options, NULL), 0);
  free(cert);
  free(key);
  EVP_PKEY_free(pair);
}

static void make_pair(SSL_CTX *context) {
  int pair[2], bytes = SMALL;
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  for (int i = 0; i < 2; i++)
    cr_assert_eq(setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
  cr_assert_eq(egress__socket_open(&ours, pair[0], context, method), 0);
  theirs = pair[1];
}

/* A client that offers `protocols`, as ALPN has them; NULL: none. */
static void make_client(const char *protocols, int version) {
  client_context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(client_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_min_proto_version(client_context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client_context, version);
  SSL_CTX_set_security_level(client_context, 0);
  if (protocols != NULL)
    SSL_CTX_set_alpn_protos(client_context, (const unsigned char *)protocols, (unsigned)strlen(protocols));
  client = SSL_new(client_context);
  SSL_set_fd(client, theirs);
  SSL_set_connect_state(client);
}

static void begin(void) {
  signal(SIGPIPE, SIG_DFL); /* it would end the test */
  method = egress__socket_method();
  cr_assert_not_null(method);
  theirs = -1;
}

static void end(void) {
  SSL_free(client);
  SSL_CTX_free(client_context);
  if (theirs >= 0)
    close(theirs);
  egress__socket_close(&ours);
  SSL_CTX_free(server_context);
  BIO_meth_free(method);
}

TestSuite(socket, .init = begin, .fini = end);

static void begin_tls(const char *protocols, int version) {
  make_server_context();
  make_pair(server_context);
  make_client(protocols, version);
}

/* What one side does, if it can do it now: bytes, 0: not now, -1: never again. */

static ssize_t their_read(uint8_t *out, size_t size) {
  if (client != NULL) {
    int n = SSL_read(client, out, (int)size), error = SSL_get_error(client, n);
    return n > 0 ? n : error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
  }
  ssize_t n = recv(theirs, out, size, 0);
  return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

static ssize_t their_write(const uint8_t *bytes, size_t size) {
  if (client != NULL) {
    int n = SSL_write(client, bytes, (int)size), error = SSL_get_error(client, n);
    return n > 0 ? n : error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
  }
  ssize_t n = send(theirs, bytes, size, MSG_NOSIGNAL);
  return n >= 0 ? n : errno == EAGAIN ? 0 : -1;
}

static ssize_t last_end; /* ours */

static ssize_t our_end(ssize_t n) {
  last_end = n;
  cr_assert_neq(n, 0, "none is no answer");
  return n > 0 ? n : n == EGRESS__SOCKET_AGAIN ? 0 : -1;
}

static ssize_t our_read(uint8_t *out, size_t size) {
  return our_end(egress__socket_read(&ours, out, size));
}

/* In pieces of any size, with an empty one among them. */
static ssize_t our_write(const uint8_t *bytes, size_t size) {
  struct iovec pieces[12];
  size_t count = 0, at = 0;
  for (size_t part = 1; at < size && count < 12; part = part * 5 % PIECE) {
    part = part < size - at ? part : size - at;
    pieces[count++] = (struct iovec){(void *)(uintptr_t)(bytes + at), part};
    if (count == 3)
      pieces[count++] = (struct iovec){(void *)(uintptr_t)bytes, 0};
    at += part;
  }
  return our_end(egress__socket_write(&ours, pieces, count));
}

static uint8_t nth_byte(size_t at) {
  return (uint8_t)(at * 131 >> 3);
}

static uint8_t bytes[LONG];

static void fill(void) {
  for (size_t i = 0; i < LONG; i++)
    bytes[i] = nth_byte(i);
}

typedef ssize_t (*reader)(uint8_t *out, size_t size);
typedef ssize_t (*writer)(const uint8_t *bytes, size_t size);

/* Moves all the bytes from one side to the other, through buffers that hold few of them. */
static void move(writer write_some, reader read_some, size_t read_size) {
  uint8_t in[SMALL];
  size_t written = 0, came = 0, waits = 0;
  for (int turn = 0; came < LONG; turn++) {
    cr_assert_lt(turn, TURNS, "%zu written, %zu came", written, came);
    ssize_t n = written < LONG ? write_some(bytes + written, LONG - written) : 0;
    cr_assert_geq(n, 0);
    waits += n == 0;
    written += (size_t)n;
    n = read_some(in, read_size);
    cr_assert_geq(n, 0);
    for (size_t i = 0; i < (size_t)n; i++)
      cr_assert_eq(in[i], nth_byte(came + i), "byte %zu", came + i);
    came += (size_t)n;
  }
  cr_assert_eq(written, LONG);
  cr_assert_gt(waits, 0, "the buffers were not small enough to prove anything");
}

static void move_both_ways(void) {
  fill();
  move(our_write, their_read, SMALL);
  move(our_write, their_read, 100);
  move(their_write, our_read, SMALL);
  move(their_write, our_read, 100);
}

/* Both sides turn until they may speak, or the connection is over: then it returns 0. */
static int until_ready(void) {
  uint8_t in[SMALL];
  for (int turn = 0; turn < 1000; turn++) {
    if (client != NULL)
      SSL_do_handshake(client);
    if (our_read(in, sizeof in) < 0)
      return 0;
    if (egress__socket_is_ready(&ours) && SSL_is_init_finished(client))
      return 1;
  }
  return 0;
}

/* ---- bytes ---- */

Test(socket, plaintext_comes_whole_and_in_order) {
  make_pair(NULL);
  cr_assert(egress__socket_is_ready(&ours));
  move_both_ways();
}

Test(socket, tls_comes_whole_and_in_order) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert_not(egress__socket_is_ready(&ours));
  cr_assert(until_ready());
  move_both_ways();
}

Test(socket, so_does_the_version_before) {
  begin_tls("\x08http/1.1\x02h2", TLS1_2_VERSION);
  cr_assert(until_ready());
  cr_assert_str_eq(SSL_get_version(ours.ssl), "TLSv1.2");
  move_both_ways();
}

Test(socket, small_pieces_go_as_one_record) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert(until_ready());
  uint8_t in[SMALL];
  fill();
  cr_assert_eq(our_write(bytes, 2000), 2000);
  cr_assert_eq(their_read(in, sizeof in), 2000);
}

Test(socket, what_has_to_be_written_to_read_on_is_said) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  uint8_t in[SMALL];
  fill();
  while (send(ours.fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
    ; /* the way out is full */
  SSL_do_handshake(client);
  cr_assert_eq(egress__socket_read(&ours, in, sizeof in), EGRESS__SOCKET_AGAIN);
  cr_assert_eq(ours.waits_for_write, 1);
  while (recv(theirs, in, sizeof in, 0) > 0)
    ;
  cr_assert_eq(egress__socket_read(&ours, in, sizeof in), EGRESS__SOCKET_AGAIN);
  cr_assert_eq(ours.waits_for_write, 0, "now it is the client's turn");
}

/* ---- who is no client ---- */

Test(socket, a_client_that_offers_no_protocol_is_none) {
  begin_tls(NULL, TLS1_3_VERSION);
  cr_assert_not(until_ready());
  cr_assert_eq(their_write((const uint8_t *)"PRI", 3), 3, "the handshake is through");
  cr_assert_eq(egress__socket_read(&ours, bytes, sizeof bytes), EGRESS__SOCKET_BROKEN);
}

Test(socket, a_client_of_other_protocols_is_none) {
  begin_tls("\x08http/1.1\x03spd\x03h2c", TLS1_3_VERSION);
  uint8_t in[SMALL];
  cr_assert_not(until_ready());
  cr_assert_eq(last_end, EGRESS__SOCKET_BROKEN);
  cr_assert_lt(egress__socket_read(&ours, in, sizeof in), EGRESS__SOCKET_AGAIN, "it is over");
  cr_assert_not(SSL_is_init_finished(ours.ssl));
}

Test(socket, older_versions_are_refused) {
  begin_tls("\x02h2", TLS1_1_VERSION);
  SSL_set_cipher_list(client, "ALL:@SECLEVEL=0");
  cr_assert_not(until_ready());
  cr_assert_eq(last_end, EGRESS__SOCKET_BROKEN);
  cr_assert_lt(egress__socket_read(&ours, bytes, sizeof bytes), EGRESS__SOCKET_AGAIN, "it is over");
  cr_assert_not(SSL_is_init_finished(ours.ssl));
}

Test(socket, bytes_that_are_no_tls_end_it) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert_eq(send(theirs, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, MSG_NOSIGNAL), 24);
  cr_assert_eq(egress__socket_read(&ours, bytes, sizeof bytes), EGRESS__SOCKET_BROKEN);
}

/* ---- ends ---- */

static void check_gone(void) {
  const struct iovec piece = {bytes, sizeof bytes};
  ssize_t n;
  close(theirs);
  theirs = -1;
  while ((n = egress__socket_write(&ours, &piece, 1)) > 0)
    ;
  cr_assert_eq(n, EGRESS__SOCKET_GONE);
  cr_assert_lt(egress__socket_read(&ours, bytes, sizeof bytes), EGRESS__SOCKET_AGAIN, "it is over");
  egress__socket_finish(&ours);
}

static void closing_is(egress__socket_end end) {
  close(theirs);
  theirs = -1;
  cr_assert_eq(egress__socket_read(&ours, bytes, sizeof bytes), end);
}

Test(socket, a_client_that_closes_is_not_lost) {
  make_pair(NULL);
  closing_is(EGRESS__SOCKET_CLOSED);
}

Test(socket, nor_is_it_by_tls) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert(until_ready());
  SSL_shutdown(client);
  closing_is(EGRESS__SOCKET_CLOSED);
}

Test(socket, one_that_does_not_tell_tls_is) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert(until_ready());
  closing_is(EGRESS__SOCKET_GONE);
}

Test(socket, writing_to_who_is_gone_raises_no_signal) {
  make_pair(NULL);
  check_gone();
}

Test(socket, nor_does_it_by_tls) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert(until_ready());
  check_gone();
}

/* The client has read all there is, and knows that it was all. */
static void check_finished(void) {
  uint8_t in[SMALL];
  cr_assert_eq(our_write((const uint8_t *)"abc", 3), 3);
  egress__socket_finish(&ours);
  cr_assert_eq(their_read(in, sizeof in), 3);
  cr_assert_eq(their_read(in, sizeof in), -1);
}

Test(socket, finish_is_the_end_for_the_client_who_may_go_on) {
  make_pair(NULL);
  check_finished();
  cr_assert_eq(their_write((const uint8_t *)"x", 1), 1);
  cr_assert_eq(our_read(bytes, sizeof bytes), 1);
}

Test(socket, finish_by_tls_is_no_truncation) {
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert(until_ready());
  check_finished();
  cr_assert_eq(SSL_get_shutdown(client), SSL_RECEIVED_SHUTDOWN);
}

Test(socket, close_by_tls_is_no_truncation) {
  uint8_t in[SMALL];
  begin_tls("\x02h2", TLS1_3_VERSION);
  cr_assert(until_ready());
  egress__socket_close(&ours);
  cr_assert_eq(their_read(in, sizeof in), -1);
  cr_assert_eq(SSL_get_shutdown(client), SSL_RECEIVED_SHUTDOWN);
  close(theirs);
  make_pair(NULL); /* for the end of the test */
}
