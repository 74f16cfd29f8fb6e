/* The subcommands that answer one question and end. */
#include "commands.h"
#include "checks.h"
#include "endpoint.h"
#include "value.h"

#include <egress/egress.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int command_exit(int rv) {
  switch (rv) {
  case EGRESS_OK:
    return CLI_EXIT_OK;
  case EGRESS_ESYNTAX:
  case EGRESS_EPOLICY:
  case EGRESS_ELIMIT:
  case EGRESS_EUNSUPPORTED:
    return CLI_EXIT_NO;
  default:
    return CLI_EXIT_ERROR;
  }
}

/* Without memory for a list of faults there is nothing to be said of the input. */
static egress_diag *new_diag(void) {
  egress_diag *diag = egress_diag_new(NULL);
  if (diag == NULL) {
    command_complain(EGRESS_ENOMEM, NULL);
    exit(CLI_EXIT_ERROR);
  }
  return diag;
}

void command_complain(int rv, egress_diag *diag) {
  if (diag != NULL && egress_diag_count(diag) > 0)
    fputs(egress_diag_text(diag), stderr);
  else
    fprintf(stderr, "egressd: %s\n", egress_strerror(rv));
}

egress_compile_options command_compile_options(const cli_args *args) {
  egress_compile_options options = EGRESS_COMPILE_OPTIONS_INIT;
  options.explicit_address = args->text[CLI_EXPLICIT];
  options.sni_address = args->text[CLI_SNI];
  if (options.explicit_address == NULL && options.sni_address == NULL)
    options.explicit_address = "127.0.0.1:3128";
  options.sni_port = (uint16_t)args->number[CLI_SNI_PORT];
  options.dns_resolver = args->text[CLI_DNS];
  options.access_log = args->text[CLI_ACCESS_LOG];
  if (args->text[CLI_NAME_RULES] != NULL)
    options.flags |= EGRESS_COMPILE_NAME_RULES;
  if (args->text[CLI_SKIP_UNSUPPORTED] != NULL)
    options.flags |= EGRESS_COMPILE_SKIP_UNSUPPORTED;
  return options;
}

int command_bootstrap(const cli_args *args) {
  egress_bootstrap_options options = EGRESS_BOOTSTRAP_OPTIONS_INIT;
  options.node_id = args->text[CLI_NODE_ID];
  options.node_cluster = args->text[CLI_NODE_CLUSTER];
  options.control_plane = args->text[CLI_CONTROL_PLANE];
  options.admin_address = args->text[CLI_ADMIN];
  options.tls_ca = args->text[CLI_TLS_CA];
  options.tls_name = args->text[CLI_TLS_NAME];
  options.tls_cert = args->text[CLI_CLIENT_CERT];
  options.tls_key = args->text[CLI_CLIENT_KEY];
  options.keepalive_ms = args->number[CLI_KEEPALIVE_MS];
  options.delta = strcmp(args->text[CLI_XDS], "delta") == 0;
  if (check_bootstrap(args) != 0)
    return CLI_EXIT_ERROR;
  egress_text *text = NULL;
  egress_diag *diag = new_diag();
  int rv = egress_bootstrap(&text, &options, diag);
  if (rv == 0) {
    puts(egress_text_data(text));
    fprintf(stderr,
            "start Envoy with: envoy -c FILE --drain-time-s %s --reject-unknown-dynamic-fields\n"
            "(a connection that loses its permission then ends within %s s)\n",
            args->text[CLI_DRAIN_TIME_S], args->text[CLI_DRAIN_TIME_S]);
  } else if (rv == EGRESS_EINVAL) { /* what only the library can judge */
    cli_refuse(args, CLI_CONTROL_PLANE, "the name is not one of a host, of letters, digits, - and dots");
  } else {
    command_complain(rv, diag);
  }
  egress_text_free(text);
  egress_diag_free(diag);
  return command_exit(rv);
}

static void print_counts(const char *path, const egress_policy *policy, const egress_diag *diag) {
  size_t rules = egress_policy_rule_count(policy), destinations = egress_policy_destination_count(policy);
  size_t warnings = egress_diag_count(diag);
  printf("%s: valid: %zu rule%s, %zu destination%s, %zu warning%s\n", path, rules, rules == 1 ? "" : "s", destinations,
         destinations == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

int command_lint(const cli_args *args) {
  egress_policy *policy = NULL;
  egress_diag *diag = new_diag();
  int rv = egress_policy_load(&policy, args->operands[0], NULL, diag);
  int status = command_exit(rv);
  if (status == CLI_EXIT_ERROR)
    command_complain(rv, diag);
  else
    fputs(egress_diag_text(diag), stdout);
  if (status == CLI_EXIT_OK)
    print_counts(args->operands[0], policy, diag);
  else if (status == CLI_EXIT_NO)
    printf("%s: refused: %zu error%s\n", args->operands[0], egress_diag_errors(diag),
           egress_diag_errors(diag) == 1 ? "" : "s");
  egress_policy_unref(policy);
  egress_diag_free(diag);
  return status;
}

static int32_t protocol_of(const char *word, int for_address) {
  if (word == NULL)
    return for_address ? EGRESS_PROTOCOL_TCP : EGRESS_PROTOCOL_TLS;
  if (strcmp(word, "tls") == 0)
    return EGRESS_PROTOCOL_TLS;
  return strcmp(word, "http") == 0 ? EGRESS_PROTOCOL_HTTP : EGRESS_PROTOCOL_TCP;
}

static int print_decision(const egress_policy *policy, const egress_flow *flow) {
  egress_decision decision = EGRESS_DECISION_INIT;
  egress_text *text = NULL;
  int rv = egress_policy_decide(policy, flow, &decision);
  if (rv == 0)
    rv = egress_policy_explain(&text, policy, flow);
  if (rv == 0)
    puts(egress_text_data(text));
  egress_text_free(text);
  if (rv != 0)
    return command_complain(rv, NULL), CLI_EXIT_ERROR;
  return decision.verdict == EGRESS_DENY ? CLI_EXIT_NO : CLI_EXIT_OK;
}

/* The last two arguments of `check`; -1 after saying which is wrong. */
static int read_question(endpoint *to, const cli_args *args) {
  char shown[VALUE_SHOWN_BYTES];
  const char *source = args->operands[1], *destination = args->operands[2];
  if (!endpoint_is_address(source)) {
    fprintf(stderr, "egressd check: SOURCE '%s' is not an IPv4 or IPv6 address\n", value_shown(shown, source));
    return -1;
  }
  if (endpoint_read(to, destination, 1) != ENDPOINT_OK) {
    fprintf(stderr, "egressd check: '%s' is not HOST:PORT, ADDRESS:PORT or [IPV6]:PORT with a port from 1 to 65535\n",
            value_shown(shown, destination));
    return -1;
  }
  return 0;
}

int command_check(const cli_args *args) {
  const char *path = args->operands[0];
  endpoint to = {.port = 0};
  if (read_question(&to, args) != 0)
    return CLI_EXIT_ERROR;
  egress_flow flow = EGRESS_FLOW_INIT;
  flow.source = args->operands[1];
  flow.port = to.port;
  flow.protocol = protocol_of(args->text[CLI_PROTOCOL], to.family != 0);
  *(to.family != 0 ? &flow.address : &flow.name) = to.host;
  egress_policy *policy = NULL;
  egress_diag *diag = new_diag();
  int rv = egress_policy_load(&policy, path, NULL, diag);
  if (rv != 0)
    command_complain(rv, diag);
  int status = rv == 0 ? print_decision(policy, &flow) : CLI_EXIT_ERROR;
  egress_policy_unref(policy);
  egress_diag_free(diag);
  return status;
}

/* Prints the resources of all types as one array; rv of the first that cannot be printed. */
static int print_resources(const egress_snapshot *snap) {
  int rv = 0, count = 0;
  putchar('[');
  for (size_t t = 0; rv == 0 && t < egress_snapshot_type_count(snap); t++) {
    const char *type_url = egress_snapshot_type_url(snap, t);
    for (size_t i = 0; rv == 0 && i < egress_snapshot_count(snap, type_url); i++) {
      egress_text *text = NULL;
      rv = egress_resource_json(&text, egress_snapshot_at(snap, type_url, i));
      if (rv == 0)
        printf("%s\n%s", count++ > 0 ? "," : "", egress_text_data(text));
      egress_text_free(text);
    }
  }
  printf("\n]\n");
  return rv;
}

int command_dump(const cli_args *args) {
  if (check_listeners(args) != 0)
    return CLI_EXIT_ERROR;
  egress_compile_options options = command_compile_options(args);
  egress_policy *policy = NULL;
  egress_snapshot *snap = NULL;
  egress_diag *diag = new_diag();
  int rv = egress_policy_load(&policy, args->operands[0], NULL, diag);
  if (rv == 0)
    rv = egress_compile(&snap, policy, &options, diag);
  if (rv == 0 && egress_diag_count(diag) > 0)
    fputs(egress_diag_text(diag), stderr);
  if (rv != 0)
    command_complain(rv, diag);
  int status = command_exit(rv);
  if (rv == 0 && (rv = print_resources(snap)) != 0) {
    fprintf(stderr, "egressd dump: a resource cannot be printed: %s\n", egress_strerror(rv));
    status = CLI_EXIT_ERROR;
  }
  egress_snapshot_unref(snap);
  egress_policy_unref(policy);
  egress_diag_free(diag);
  return status;
}
