#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "resource/json.h"
#include "resource/json_reader.h"

enum {
  MESSAGE_BYTES = 512,
  PATH_BYTES = 300 /* deeper paths lose their beginning: the place in the text is there, too */
};

/* Text of one step. The first has no dot in front. */
static void print_step(char *to, size_t room, const egress__json_step *step) {
  if (step->key == NULL)
    snprintf(to, room, "[%zu]", step->index);
  else if (step->quoted)
    snprintf(to, room, "[\"%s\"]", egress__quoted(step->key->text).text);
  else
    snprintf(to, room, "%s%s", step->up == NULL ? "" : ".", egress__quoted(step->key->text).text);
}

/* Written from its end, so that no step needs a call of its own. */
static const char *print_path(char path[PATH_BYTES], const egress__json_step *step) {
  char *front = path + PATH_BYTES - 1;
  *front = '\0';
  for (; step != NULL; step = step->up) {
    char text[sizeof(egress__quote) + 8];
    print_step(text, sizeof text, step);
    size_t size = strlen(text);
    if ((size_t)(front - path) < size + 3) {
      front -= 3;
      memcpy(front, "...", 3);
      break;
    }
    front -= size;
    memcpy(front, text, size);
  }
  return front;
}

void egress__json_fault(egress__json_reader *r, const egress__node *node, const char *format, ...) {
  char message[MESSAGE_BYTES], path[PATH_BYTES];
  if (r->faults->count >= EGRESS__MAX_SHOWN_FAULTS) {
    egress__fault(r->faults, node, "not shown");
    return;
  }
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (r->step == NULL)
    egress__fault(r->faults, node, "the message %s", message);
  else
    egress__fault(r->faults, node, "`%s` %s", print_path(path, r->step), message);
}

void egress__json_mistyped(egress__json_reader *r, const egress__node *node, const char *wanted) {
  switch (egress__node_type_of(node)) {
  case EGRESS__TYPE_NULL:
    egress__json_fault(r, node, "must be %s, not null", wanted);
    break;
  case EGRESS__TYPE_BOOL:
  case EGRESS__TYPE_NUMBER:
    egress__json_fault(r, node, "must be %s, not %s", wanted, egress__quoted(node->text).text);
    break;
  case EGRESS__TYPE_YAML_NUMBER:
    egress__json_fault(r, node, "is %s, which YAML takes for a number; write it in decimal, or in quotes if it is text",
                       egress__quoted(node->text).text);
    break;
  case EGRESS__TYPE_TEXT:
    egress__json_fault(r, node, "must be %s, not \"%s\"", wanted, egress__quoted(node->text).text);
    break;
  case EGRESS__TYPE_LIST:
    egress__json_fault(r, node, "must be %s, not a list", wanted);
    break;
  case EGRESS__TYPE_MAP:
    egress__json_fault(r, node, "must be %s, not an object", wanted);
    break;
  case EGRESS__TYPE_BROKEN:
    break;
  }
}

int egress__json_too_deep(egress__json_reader *r, const egress__node *node) {
  return egress__fault_limit(r->faults, node, "messages are nested deeper than %d levels", EGRESS__JSON_DEPTH);
}
