#include "wire/unread.h"

#include <egress/error.h>

void egress__unread_init(egress__unread *unread, const egress_alloc *alloc) {
  *unread = (egress__unread){0};
  egress__map_init(&unread->bodies, alloc);
}

void egress__unread_dispose(egress__unread *unread) {
  egress__map_dispose(&unread->bodies);
}

static egress__unread_body *add(egress__unread *unread, egress__blob *blob) {
  egress__unread_body *body = egress__malloc(unread->bodies.alloc, sizeof *body);
  if (body == NULL)
    return NULL;
  *body = (egress__unread_body){.blob = blob};
  if (egress__map_set(&unread->bodies, (const char *)&body->blob, sizeof body->blob, body) != 0) {
    egress__free(unread->bodies.alloc, body);
    return NULL;
  }
  egress__blob_ref(blob);
  unread->bytes += blob->size;
  return body;
}

int egress__unread_add(egress__unread_body **out, egress__unread *unread, egress__blob *blob) {
  egress__unread_body *body = egress__map_get(&unread->bodies, (const char *)&blob, sizeof blob);
  if (body == NULL)
    body = add(unread, blob);
  if (body == NULL)
    return EGRESS_ENOMEM;
  body->streams++;
  *out = body;
  return 0;
}

void egress__unread_remove(egress__unread *unread, egress__unread_body *body) {
  if (body == NULL || --body->streams > 0)
    return;
  egress__map_remove(&unread->bodies, (const char *)&body->blob, sizeof body->blob);
  unread->bytes -= body->blob->size;
  egress__blob_unref(body->blob);
  egress__free(unread->bodies.alloc, body);
}
