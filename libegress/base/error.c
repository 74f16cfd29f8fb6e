#include <egress/error.h>
#include <egress/version.h>

typedef struct code_text {
  const char *name;
  const char *text;
} code_text;

/* Index: the negated code. */
static const code_text codes[] = {
    {"EGRESS_OK", "success"},
    {"EGRESS_ENOMEM", "out of memory"},
    {"EGRESS_EINVAL", "bad argument"},
    {"EGRESS_EABI", "an option is newer than this library"},
    {"EGRESS_ESYNTAX", "text is not well-formed"},
    {"EGRESS_EPOLICY", "policy is not valid"},
    {"EGRESS_EIO", "file cannot be read"},
    {"EGRESS_ELIMIT", "a limit was passed"},
    {"EGRESS_EWIRE", "bytes are not a valid protobuf message"},
    {"EGRESS_EPROTO", "peer broke the xDS protocol"},
    {"EGRESS_EADDR", "address cannot be used"},
    {"EGRESS_EADDRINUSE", "address is in use"},
    {"EGRESS_ETLS", "certificate or key cannot be used"},
    {"EGRESS_EUNSUPPORTED", "policy cannot be expressed by this listener"},
    {"EGRESS_ENOENT", "no such thing"},
    {"EGRESS_ESTATE", "not possible in this state"},
    {"EGRESS_ERESOURCE", "text is not a valid message"},
    {"EGRESS_EDENIED", "this client may not have that"},
    {"EGRESS_ECLASH", "two resources go by the same name or alias"},
};

static const code_text *lookup(int code) {
  static const code_text unknown = {"EGRESS_EUNKNOWN", "unknown code"};
  const int count = (int)(sizeof codes / sizeof codes[0]);
  return code <= 0 && code > -count ? &codes[-code] : &unknown;
}

const char *egress_strerror(int code) {
  return lookup(code)->text;
}

const char *egress_code_name(int code) {
  return lookup(code)->name;
}

const char *egress_version(void) {
  return EGRESS_VERSION;
}
