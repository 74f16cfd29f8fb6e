#include "commands.h"
#include "value.h"

#include <egress/version.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const cli_command commands[] = {
    {"serve", CLI_SERVE, 1, "FILE", "Serve a policy file to Envoys and follow its changes.",
     "Serves the policy in FILE to every Envoy that connects, over xDS, and follows the file: a new version is in "
     "force a moment after it is in place, without a restart of anything.\n"
     "\nA change is noticed when FILE is written, when another file is renamed over it, and when a symbolic link on "
     "the way to it is swapped (as Kubernetes does with a ConfigMap); a look at the file every two seconds catches "
     "what the kernel does not report. It is read once it has not changed for a twentieth of a second. Replace it by a "
     "rename: a program that writes slowly into FILE itself can be read half way. SIGHUP reads it again in any case.\n"
     "\nA version with a fault is refused: its diagnostics are printed and the last good policy stays in force. At the "
     "start there is none yet, so egressd then ends with status 1. Envoys keep the rules they have while no control "
     "plane is there.\n"
     "\nA rule that became narrower, or a new deny, ends the TLS connections through --sni that lost their permission, "
     "within Envoy's --drain-time-s. An established CONNECT tunnel through --explicit is not ended yet: it may outlive "
     "the change until one side closes it; new ones are refused at once.\n"
     "\nWhat became narrower is told by comparing with the policy that was in force before. With --state that holds "
     "over a restart: a policy narrowed while egressd was down ends connections, too, and an unchanged one ends none. "
     "Without it the first policy after a start is compared with nothing. To start without the state, remove its "
     "file.\n"
     "\nSIGTERM and SIGINT close the streams and end egressd with status 0; a second one ends it at once. Each event "
     "is one line on standard output.\n"
     "\nExit status: 0: ended by a signal; 1: the policy, the state, a certificate or the address cannot be used; 2: "
     "bad "
     "command line or environment.",
     command_serve},
    {"bootstrap", CLI_BOOTSTRAP, 0, "", "Print the bootstrap file with which an Envoy finds its control plane.",
     "Prints, as JSON, the file to start an Envoy with: who it is, where its control plane is, and an admin page. The "
     "command to start Envoy goes to standard error, with the bound on revoked connections that it sets.\n"
     "\nExit status: 0, or 2 for a bad option.",
     command_bootstrap},
    {"lint", CLI_LINT, 1, "FILE", "Say what is wrong with a policy file.",
     "Reads FILE and prints every error and warning as FILE:LINE:COLUMN: KIND: TEXT, then a line that sums up.\n"
     "\nExit status: 0: the policy is valid (it may have warnings); 1: it is not; 2: bad command line, or FILE cannot "
     "be read.",
     command_lint},
    {"check", CLI_CHECK, 3, "FILE SOURCE HOST:PORT", "Say whether a client may reach a destination, and why.",
     "Decides as an Envoy with the policy in FILE would: may SOURCE, the address of a client, reach HOST:PORT? HOST is "
     "a name or an address (an IPv6 address in brackets). Prints the verdict, the rule that decided, and for a "
     "refusal what comes nearest. Where the verdict depends on the addresses that HOST resolves to, it says so and "
     "counts as allowed: nothing is looked up.\n"
     "\nExit status: 0: allowed; 1: denied; 2: the question or the policy cannot be read.",
     command_check},
    {"dump", CLI_DUMP, 1, "FILE", "Print as JSON what an Envoy would be sent.",
     "Compiles the policy in FILE and prints the resources that 'serve' with the same options would send, as one JSON "
     "array of proto3 JSON messages.\n"
     "\nExit status: 0; 1: the policy is refused; 2: bad command line, or FILE cannot be read.",
     command_dump},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void help(void) {
  printf("Usage: egressd COMMAND [options] [arguments]\n\n");
  cli_wrap(0, "A control plane for Envoy egress proxies: it turns a policy file, which says who may reach which "
              "destinations, into Envoy configuration and keeps every connected Envoy up to date.");
  printf("\nCommands:\n");
  for (int i = 0; i < COMMAND_COUNT; i++)
    printf("  %-10s %s\n", commands[i].name, commands[i].summary);
  printf("\n'egressd COMMAND --help' says more. 'egressd --version' prints the version.\n");
}

static const cli_command *find_command(const char *name) {
  for (int i = 0; i < COMMAND_COUNT; i++) {
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  }
  return NULL;
}

static int complain(const char *word, const char *what) {
  char shown[VALUE_SHOWN_BYTES];
  fprintf(stderr, "egressd: '%s' %s\nTry 'egressd --help'.\n", value_shown(shown, word), what);
  return CLI_EXIT_ERROR;
}

static int run_command(const cli_command *command, int argc, char **argv) {
  cli_args args;
  int rv = cli_parse(&args, command, argc, argv);
  if (rv > 0)
    return cli_help(command), CLI_EXIT_OK;
  return rv == 0 ? command->run(&args) : CLI_EXIT_ERROR;
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "egressd: needs a command: serve, bootstrap, lint, check or dump\nTry 'egressd --help'.\n");
    return CLI_EXIT_ERROR;
  }
  const cli_command *command = find_command(argv[1]);
  int for_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
  int for_version = strcmp(argv[1], "--version") == 0;
  if (command != NULL)
    return run_command(command, argc - 2, argv + 2);
  if (!for_help && !for_version)
    return complain(argv[1], "is no command; there are serve, bootstrap, lint, check and dump");
  if (argc > 2)
    return complain(argv[2], "is one argument too many");
  if (for_help)
    help();
  else
    printf("egressd %s\n", egress_version());
  return CLI_EXIT_OK;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN); /* a reader of stdout that left must not end the server */
  int status = run(argc, argv);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fprintf(stderr, "egressd: standard output: %s\n", strerror(errno));
    return CLI_EXIT_ERROR;
  }
  return status;
}
