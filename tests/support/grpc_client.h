#ifndef TESTS_SUPPORT_GRPC_CLIENT_H
#define TESTS_SUPPORT_GRPC_CLIENT_H

#include <stddef.h>

/*
 * A small blocking xDS client on gRPC's C interface, for programs that hold the server to account in their own process.
 * One thread a client. Every wait has a deadline; passing it ends the process.
 */
typedef struct client client;

/** For a server to speak HTTP/2 once it is connected to: gRPC 1.51 does not notice one that closes before. */
extern int client_handshake_ms;

/** Opens a stream to `address`; `ca` is PEM text of whom to trust, NULL: plaintext. */
client *client_open(const char *address, const char *ca);

/** The same with a certificate of its own, PEM text, and its key. */
client *client_open_as(const char *address, const char *ca, const char *cert, const char *key);

/** Asks for all clusters, as a state-of-the-world client does. Returns 0, or -1 when the stream has ended. */
int client_subscribe(client *c);

/** Sends bytes as they are; returns as client_subscribe. */
int client_send(client *c, const void *bytes, size_t size);

/** Waits for one response and accepts it, if `ack`. Returns its size, or -1 when the stream has ended. */
long client_take(client *c, int ack);

/** Says that nothing more will be sent. */
void client_finish(client *c);

/** The status with which the stream ended: waits for it, if need be. */
int client_status(client *c);

/** Cancels what is left, and frees. */
void client_close(client *c);

#endif
