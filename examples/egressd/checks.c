#include "checks.h"
#include "endpoint.h"

#include <stdio.h>
#include <string.h>

int check_listeners(const cli_args *args) {
  const char *explicit_address = args->text[CLI_EXPLICIT], *sni = args->text[CLI_SNI];
  endpoint a = {.port = 0}, b = {.port = 0};
  if (explicit_address == NULL || sni == NULL || endpoint_read(&a, explicit_address, 1) != ENDPOINT_OK ||
      endpoint_read(&b, sni, 1) != ENDPOINT_OK || !endpoint_same(&a, &b))
    return 0;
  return cli_refuse(args, CLI_SNI, "that is the address of --explicit, too; Envoy needs one for each");
}

/* Two options that are nothing without each other. */
static int check_pair(const cli_args *args, cli_id a, cli_id b) {
  char what[80];
  if ((args->text[a] == NULL) == (args->text[b] == NULL))
    return 0;
  cli_id given = args->text[a] != NULL ? a : b;
  snprintf(what, sizeof what, "needs --%s, too", cli_option_of(given == a ? b : a)->name);
  return cli_refuse(args, given, what);
}

int check_server(const cli_args *args) {
  const char *listen = args->text[CLI_LISTEN];
  endpoint at = {.port = 0};
  int tls = args->text[CLI_TLS_CERT] != NULL;
  if (check_pair(args, CLI_TLS_CERT, CLI_TLS_KEY) != 0)
    return -1;
  if (args->text[CLI_TLS_CLIENT_CA] != NULL && !tls)
    return cli_refuse(args, CLI_TLS_CLIENT_CA, "needs --tls-cert and --tls-key, too");
  if (endpoint_read(&at, listen, 0) != ENDPOINT_OK) /* a unix socket: all else was refused before */
    return tls ? cli_refuse(args, CLI_TLS_CERT, "a unix socket is served in plaintext, to its owner; leave TLS out")
               : 0;
  if (!tls && args->text[CLI_INSECURE] == NULL && !endpoint_is_loopback(&at))
    return cli_refuse(args, CLI_LISTEN,
                      "other machines can reach that address, and plaintext shows them the policy; give --tls-cert and "
                      "--tls-key, listen on 127.0.0.1, or say --insecure");
  return 0;
}

int check_bootstrap(const cli_args *args) {
  static const cli_id for_tls[] = {CLI_TLS_NAME, CLI_CLIENT_CERT, CLI_CLIENT_KEY};
  endpoint admin = {.port = 0};
  if (args->text[CLI_NODE_ID] == NULL)
    return cli_refuse(args, CLI_NODE_ID, "required; give each Envoy one of its own");
  if (endpoint_read(&admin, args->text[CLI_ADMIN], 0) != ENDPOINT_OK || !endpoint_is_loopback(&admin))
    return cli_refuse(args, CLI_ADMIN,
                      "not on loopback, and whoever reaches Envoy's admin page can stop Envoy; write 127.0.0.1:9901");
  if (check_pair(args, CLI_CLIENT_CERT, CLI_CLIENT_KEY) != 0)
    return -1;
  for (size_t i = 0; i < sizeof for_tls / sizeof *for_tls; i++) {
    if (args->text[for_tls[i]] != NULL && args->text[CLI_TLS_CA] == NULL)
      return cli_refuse(args, for_tls[i], "needs --tls-ca, too; without it the control plane could be anybody");
  }
  return 0;
}
