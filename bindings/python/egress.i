/*
 * The C interface as Python sees it, private to the package `egress`: people import the typed classes above it.
 *
 * Headers are wrapped as they are. What differs is only how values cross:
 *   - a code and the results of a call come back as a list, in the order of the C arguments: [code, out];
 *   - opaque objects are owned by their proxies; what C lends gets a reference of its own;
 *   - options, flows, decisions and events are tuples, so that every text lives as long as the call that borrows it;
 *   - text is UTF-8 both ways; a NUL in it is a ValueError.
 */
%module(package="egress", threads="1") lowlevel

%begin %{
#define PY_SSIZE_T_CLEAN
%}

%{
#include <egress/egress.h>

#include "driver.h"

/* The driver has a reference on its options, with the functions and the caches in them: closing may still ask. */
static void driver_free(egress_driver *driver) {
  PyObject *options = driver != NULL ? egress_driver_user(driver) : NULL;
  egress_driver_free(driver);
  Py_XDECREF(options);
}
%}

%include <stdint.i>

/* ---- text and bytes ---- */

%typemap(in) const char * {
  if (!PyArg_Parse($input, "z", &$1))
    SWIG_fail;
}
%typemap(freearg) const char * ""

%typemap(in) const char *path (PyObject *encoded = NULL) {
  if (!PyUnicode_FSConverter($input, &encoded))
    SWIG_fail;
  $1 = PyBytes_AsString(encoded);
}
%typemap(freearg) const char *path "Py_XDECREF(encoded$argnum);"

%typemap(in) (const char *text, size_t size), (const void *bytes, size_t size) {
  char *data;
  Py_ssize_t length;
  if (PyBytes_AsStringAndSize($input, &data, &length) < 0)
    SWIG_fail;
  $1 = data;
  $2 = (size_t)length;
}

%typemap(out) const void *egress_resource_bytes {
  $result = PyBytes_FromStringAndSize($1, (Py_ssize_t)egress_resource_size(arg1));
}

%typemap(in, numinputs=0) egress_text **out (egress_text *made = NULL) "$1 = &made;"
%typemap(argout) egress_text **out {
  PyObject *text = PyUnicode_DecodeUTF8(egress_text_data(made$argnum), (Py_ssize_t)egress_text_size(made$argnum),
                                        "surrogateescape");
  egress_text_free(made$argnum);
  if (text == NULL)
    SWIG_fail;
  %append_output(text);
}

/* ---- objects ---- */

%define %object(TYPE, FREE)
%nodefaultctor TYPE;
struct TYPE {};
%extend TYPE {
  ~TYPE() {
    FREE($self);
  }
}
%typemap(in, numinputs=0) TYPE **out (TYPE *made = NULL) "$1 = &made;"
%typemap(argout) TYPE **out {
  %append_output(SWIG_NewPointerObj(made$argnum, $descriptor(TYPE *), SWIG_POINTER_OWN));
}
%enddef

%define %shared_object(NOUN)
%object(egress_##NOUN, egress_##NOUN##_unref)
%typemap(out) egress_##NOUN * {
  $result = SWIG_NewPointerObj(egress_##NOUN##_ref($1), $descriptor(egress_##NOUN *), SWIG_POINTER_OWN);
}
%ignore egress_##NOUN##_ref;
%ignore egress_##NOUN##_unref;
%enddef

%shared_object(policy)
%shared_object(resource)
%shared_object(snapshot)
%object(egress_diag, egress_diag_free)
%object(egress_snapshot_builder, egress_snapshot_builder_free)
%object(egress_dangling, egress_dangling_free)
%newobject egress_diag_new;
%ignore egress_diag_free;
%ignore egress_snapshot_builder_free;
%ignore egress_dangling_free;

/* Cache and server belong to one thread at a time. Their calls keep the GIL, which makes it the lock that they need;
   all of them are short. */
%nothread;
%shared_object(cache)
%object(egress_fetch, egress_fetch_free)
%object(egress_driver, driver_free)
%thread;

/* A server is reached through its driver, which owns it. */
%typemap(in) egress_server *, const egress_server * {
  void *driver = NULL;
  if (SWIG_ConvertPtr($input, &driver, $descriptor(egress_driver *), SWIG_POINTER_NO_NULL) < 0) {
    PyErr_SetString(PyExc_TypeError, "not a server's driver");
    SWIG_fail;
  }
  $1 = egress_driver_server(driver);
}

/* ---- structs: tuples ---- */

%{
static int port_from(PyObject *object, void *out) {
  long value = PyLong_AsLong(object);
  if (value == -1 && PyErr_Occurred() != NULL && !PyErr_ExceptionMatches(PyExc_OverflowError))
    return 0;
  if (value < 0 || value > UINT16_MAX) {
    PyErr_Format(PyExc_ValueError, "not a port: %R", object);
    return 0;
  }
  *(uint16_t *)out = (uint16_t)value;
  return 1;
}

static int count_from(PyObject *object, void *out) {
  long long value = PyLong_AsLongLong(object);
  if (value == -1 && PyErr_Occurred() != NULL && !PyErr_ExceptionMatches(PyExc_OverflowError))
    return 0;
  if (value < 0 || value > UINT32_MAX) {
    PyErr_Format(PyExc_ValueError, "not in 0 to 4294967295: %R", object);
    return 0;
  }
  *(uint32_t *)out = (uint32_t)value;
  return 1;
}

static int snapshot_from(PyObject *object, void *out) {
  if (SWIG_ConvertPtr(object, out, SWIGTYPE_p_egress_snapshot, 0) >= 0)
    return 1;
  PyErr_SetString(PyExc_TypeError, "not a snapshot");
  return 0;
}

/* `texts` is an array that the caller frees; what it points to belongs to the tuple. */
static int texts_from(PyObject *tuple, const char ***texts, size_t *count) {
  Py_ssize_t length = PyTuple_Size(tuple);
  *texts = PyMem_Malloc(((size_t)length + 1) * sizeof **texts);
  if (*texts == NULL) {
    PyErr_NoMemory();
    return 0;
  }
  for (Py_ssize_t i = 0; i < length; i++)
    if (!PyArg_Parse(PyTuple_GetItem(tuple, i), "s", &(*texts)[i]))
      return 0;
  *count = (size_t)length;
  return 1;
}

/* (source, name, port, protocol, address, resolved): the order of egress.Flow. */
static int flow_from(PyObject *tuple, egress_flow *flow, const char ***resolved) {
  Py_ssize_t name_size = 0;
  PyObject *addresses = NULL;
  if (!PyArg_ParseTuple(tuple, "sz#O&izO", &flow->source, &flow->name, &name_size, port_from, &flow->port,
                        &flow->protocol, &flow->address, &addresses))
    return 0;
  if (flow->name != NULL && name_size == 0)
    flow->name = ""; /* size 0 means that it ends with a NUL */
  flow->name_size = (size_t)name_size;
  if (addresses == Py_None)
    return 1;
  if (!PyTuple_Check(addresses)) {
    PyErr_SetString(PyExc_TypeError, "resolved must be a tuple of addresses");
    return 0;
  }
  if (!texts_from(addresses, resolved, &flow->resolved_count))
    return 0;
  flow->resolved = *resolved;
  return 1;
}

/* What a peer sent need not be UTF-8, and must not end the iteration over events. */
static PyObject *peer_text(const char *text) {
  return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "backslashreplace");
}

/* A tuple of what `make` makes of each item. */
static PyObject *tuple_of(size_t count, PyObject *(*make)(const void *items, size_t index), const void *items) {
  PyObject *tuple = PyTuple_New((Py_ssize_t)count);
  for (size_t i = 0; tuple != NULL && i < count; i++) {
    PyObject *item = make(items, i);
    if (item == NULL || PyTuple_SetItem(tuple, (Py_ssize_t)i, item) != 0) {
      Py_DECREF(tuple);
      return NULL;
    }
  }
  return tuple;
}

/* The order of members is that of egress.load. */
static PyObject *metric_tuple(const void *items, size_t index) {
  const egress_load_metric *metric = (const egress_load_metric *)items + index;
  return Py_BuildValue("(sKd)", metric->name, (unsigned long long)metric->requests, metric->total);
}

static PyObject *drops_tuple(const void *items, size_t index) {
  const egress_load_drops *drops = (const egress_load_drops *)items + index;
  return Py_BuildValue("(sK)", drops->category, (unsigned long long)drops->count);
}

static PyObject *locality_tuple(const void *items, size_t index) {
  const egress_load_locality *locality = (const egress_load_locality *)items + index;
  return Py_BuildValue("(sssIKKKKN)", locality->region, locality->zone, locality->sub_zone, locality->priority,
                       (unsigned long long)locality->succeeded, (unsigned long long)locality->failed,
                       (unsigned long long)locality->issued, (unsigned long long)locality->in_progress,
                       tuple_of(locality->metric_count, metric_tuple, locality->metrics));
}

static PyObject *cluster_tuple(const void *items, size_t index) {
  const egress_load_cluster *cluster = (const egress_load_cluster *)items + index;
  return Py_BuildValue("(ssKKNN)", cluster->name, cluster->service_name, (unsigned long long)cluster->interval_ms,
                       (unsigned long long)cluster->dropped,
                       tuple_of(cluster->locality_count, locality_tuple, cluster->localities),
                       tuple_of(cluster->drop_count, drops_tuple, cluster->drops));
}

static PyObject *load_tuple(const egress_load_report *report) {
  return report == NULL ? PyTuple_New(0) : tuple_of(report->cluster_count, cluster_tuple, report->clusters);
}

static PyObject *event_tuple(const egress_event *event) {
  return Py_BuildValue("(iKNNNNNNNiKKKNK)", event->kind, (unsigned long long)event->stream_id, peer_text(event->node_id),
                       peer_text(event->group), peer_text(event->peer), peer_text(event->type_url),
                       peer_text(event->version), peer_text(event->message), peer_text(event->resource), event->status,
                       (unsigned long long)event->elapsed_ms, (unsigned long long)event->bytes,
                       (unsigned long long)event->lost, load_tuple(event->load),
                       (unsigned long long)event->since_change_ms);
}
%}

%typemap(in) const egress_flow *flow (egress_flow flow = EGRESS_FLOW_INIT, const char **resolved = NULL) {
  if (!flow_from($input, &flow, &resolved))
    SWIG_fail;
  $1 = &flow;
}
%typemap(freearg) const egress_flow *flow "PyMem_Free((void *)resolved$argnum);"

/* A tuple of texts; they belong to it. */
%typemap(in) (const char *const *aliases, size_t count) (const char **aliases = NULL) {
  if (!PyTuple_Check($input) || !texts_from($input, &aliases, &$2))
    SWIG_fail;
  $1 = aliases;
}
%typemap(freearg) (const char *const *aliases, size_t count) "PyMem_Free((void *)aliases$argnum);"

%typemap(in, numinputs=0) egress_decision *out (egress_decision made = EGRESS_DECISION_INIT) "$1 = &made;"
%typemap(argout) egress_decision *out {
  %append_output(Py_BuildValue("(iizzzII)", made$argnum.verdict, made$argnum.reason, made$argnum.rule,
                               made$argnum.owner, made$argnum.note, made$argnum.line, made$argnum.column));
}

%typemap(in, numinputs=0) egress_event *out (egress_event made) "$1 = &made;"
%typemap(argout) egress_event *out {
  %append_output(result > 0 ? event_tuple(&made$argnum) : Py_NewRef(Py_None));
}

%typemap(in, numinputs=0) const egress_alloc * "$1 = NULL;"
%typemap(in, numinputs=0) const egress_policy_options *options "$1 = NULL;"

%{
/* The functions of a cache and of a server, called in calls that keep the GIL. What one raises is told to
   sys.unraisablehook, and if it was asked something, that is a refusal. */

static PyObject *node_tuple(const egress_node *node) {
  return Py_BuildValue("(ssssss)", node->id, node->cluster, node->region, node->zone, node->sub_zone,
                       node->user_agent_name);
}

/* Of a cache: `user` is the function, and lives as long as the cache (cache.py, server.py). */
static const char *group_of_python(const egress_node *node, void *user) {
  const char *group = NULL;
  PyObject *answer = PyObject_CallFunction(user, "(N)", node_tuple(node));
  /* The text is the answer's own, and is read after this: so the function keeps its last answer. */
  if (answer == NULL || !PyArg_Parse(answer, "z", &group) || PyObject_SetAttrString(user, "answer", answer) != 0) {
    PyErr_WriteUnraisable(user);
    group = NULL;
  }
  Py_XDECREF(answer);
  return group;
}
%}

%typemap(in) const egress_cache_options *options (egress_cache_options parsed = EGRESS_CACHE_OPTIONS_INIT,
                                                        PyObject *function = NULL) {
  if (!PyArg_ParseTuple($input, "O&O&O", count_from, &parsed.answer_ms, count_from, &parsed.globs, &function))
    SWIG_fail;
  if (function != Py_None) {
    parsed.group = group_of_python;
    parsed.user = function;
  }
  $1 = &parsed;
}

%typemap(in) const egress_trial_options *options (egress_trial_options parsed = EGRESS_TRIAL_OPTIONS_INIT) {
  if ($input != Py_None) {
    if (!PyArg_ParseTuple($input, "O&O&O&O&", count_from, &parsed.on_nack, count_from, &parsed.good_percent, count_from,
                          &parsed.rollout_percent, count_from, &parsed.soak_ms))
      SWIG_fail;
    $1 = &parsed;
  }
}

%typemap(in) const egress_fetch_options *options (egress_fetch_options parsed = EGRESS_FETCH_OPTIONS_INIT) {
  if (!PyArg_ParseTuple($input, "zO&", &parsed.identifier, count_from, &parsed.secrets))
    SWIG_fail;
  $1 = &parsed;
}

%typemap(in) const egress_compile_options *options (egress_compile_options parsed = EGRESS_COMPILE_OPTIONS_INIT) {
  if (!PyArg_ParseTuple($input, "zzzzO&zO&O&", &parsed.explicit_address, &parsed.sni_address, &parsed.dns_resolver,
                        &parsed.access_log, snapshot_from, &parsed.previous, &parsed.history, count_from,
                        &parsed.flags, port_from, &parsed.sni_port))
    SWIG_fail;
  $1 = &parsed;
}

%typemap(in) const egress_bootstrap_options *options (egress_bootstrap_options parsed = EGRESS_BOOTSTRAP_OPTIONS_INIT) {
  if (!PyArg_ParseTuple($input, "zzzzzzzzO&O&", &parsed.node_id, &parsed.node_cluster, &parsed.control_plane,
                        &parsed.admin_address, &parsed.tls_ca, &parsed.tls_name, &parsed.tls_cert, &parsed.tls_key,
                        count_from, &parsed.keepalive_ms, count_from, &parsed.delta))
    SWIG_fail;
  $1 = &parsed;
}

%{
/* Of a server: `user` is the tuple of its options, which begins with them. */
enum { AUTHORISE, CHOOSE, ON_MESSAGE, LOG };

static PyObject *texts_tuple(const char *const *texts, size_t count) {
  PyObject *tuple = PyTuple_New((Py_ssize_t)count);
  for (size_t i = 0; tuple != NULL && i < count; i++) {
    PyObject *text = PyUnicode_FromString(texts[i]);
    if (text == NULL || PyTuple_SetItem(tuple, (Py_ssize_t)i, text) != 0) {
      Py_DECREF(tuple);
      return NULL;
    }
  }
  return tuple;
}

static PyObject *access_tuple(const egress_access *access) {
  const egress_peer *peer = access->peer;
  PyObject *uris = texts_tuple(peer->uris, peer->uri_count);
  PyObject *dns_names = texts_tuple(peer->dns_names, peer->dns_name_count);
  PyObject *tuple = NULL;
  if (uris != NULL && dns_names != NULL)
    tuple = Py_BuildValue("(KsssisssOO)", (unsigned long long)access->stream_id, access->node->id,
                          access->node->cluster, access->type_url, (int)peer->transport, peer->address,
                          peer->spiffe_id, peer->common_name, uris, dns_names);
  Py_XDECREF(uris);
  Py_XDECREF(dns_names);
  return tuple;
}

/* It returns the status, 0 for yes, and the reason. */
static int32_t authorised_by_python(const egress_access *access, char *reason, size_t size, void *user) {
  int status = 13; /* INTERNAL */
  const char *text;
  PyObject *function = PyTuple_GetItem(user, AUTHORISE);
  PyObject *raw = access_tuple(access);
  PyObject *answer = raw != NULL ? PyObject_CallFunctionObjArgs(function, raw, NULL) : NULL;
  if (answer != NULL && PyArg_ParseTuple(answer, "is", &status, &text)) {
    PyOS_snprintf(reason, size, "%s", text);
  } else {
    PyErr_WriteUnraisable(function);
    PyOS_snprintf(reason, size, "the control plane could not tell whether this client may have it");
  }
  Py_XDECREF(answer);
  Py_XDECREF(raw);
  return status;
}

static int cache_from(PyObject *object, egress_cache **out) {
  void *cache = NULL;
  if (SWIG_ConvertPtr(object, &cache, SWIGTYPE_p_egress_cache, 0) < 0) {
    PyErr_SetString(PyExc_TypeError, "not a cache");
    return 0;
  }
  *out = cache;
  return 1;
}

static egress_cache *chosen_by_python(const egress_node *node, const char *type_url, void *user) {
  egress_cache *cache = NULL;
  PyObject *function = PyTuple_GetItem(user, CHOOSE);
  PyObject *answer = PyObject_CallFunction(function, "Ns", node_tuple(node), type_url);
  if (answer == NULL || !cache_from(answer, &cache))
    PyErr_WriteUnraisable(function);
  Py_XDECREF(answer);
  return cache;
}

static PyObject *message_bytes(const egress_message *message) {
  PyObject *head = PyBytes_FromStringAndSize(message->head, (Py_ssize_t)message->head_size);
  PyObject *tail = PyBytes_FromStringAndSize(message->tail, (Py_ssize_t)message->tail_size);
  PyBytes_ConcatAndDel(&head, tail);
  return head;
}

/* Nobody looks at the answer of a function that is told something. */
static void end_telling(PyObject *function, PyObject *answer) {
  if (answer == NULL)
    PyErr_WriteUnraisable(function);
  Py_XDECREF(answer);
}

static void tell_python_message(const egress_message *message, void *user) {
  PyObject *function = PyTuple_GetItem(user, ON_MESSAGE);
  end_telling(function, PyObject_CallFunction(function, "iKNNN", message->kind, (unsigned long long)message->stream_id,
                                              peer_text(message->peer), peer_text(message->type_url),
                                              message_bytes(message)));
}

static void tell_python_line(int32_t level, const char *category, const char *text, void *user) {
  PyObject *function = PyTuple_GetItem(user, LOG);
  end_telling(function, PyObject_CallFunction(function, "isN", level, category, peer_text(text)));
}
%}

%typemap(argout) egress_driver **out {
  if (result == 0)
    Py_XINCREF((PyObject *)egress_driver_user(made$argnum));
  %append_output(SWIG_NewPointerObj(made$argnum, $descriptor(egress_driver *), SWIG_POINTER_OWN));
}

/* The caches in it are not read: they live as long as the tuple. */
%typemap(in) const egress_server_options *options (egress_server_options parsed = EGRESS_SERVER_OPTIONS_INIT,
                                                         PyObject *asked = NULL, PyObject *chosen = NULL,
                                                         PyObject *shown = NULL, PyObject *logged = NULL,
                                                         PyObject *caches = NULL) {
  if (!PyArg_ParseTuple($input, "OOOOOzO&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&O&", &asked, &chosen, &shown, &logged,
                        &caches, &parsed.identifier, count_from,
                        &parsed.max_request_bytes, count_from, &parsed.max_streams, count_from,
                        &parsed.max_subscriptions, count_from, &parsed.max_events, count_from, &parsed.gate_on_ack,
                        count_from, &parsed.max_peer_streams, count_from, &parsed.max_requests_per_second,
                        count_from, &parsed.max_request_burst, count_from, &parsed.max_unread_bytes, count_from,
                        &parsed.max_unread_ms, count_from, &parsed.first_request_ms, count_from, &parsed.idle_ms,
                        count_from, &parsed.keepalive_ms, count_from, &parsed.keepalive_timeout_ms, count_from,
                        &parsed.connection_age_ms, count_from, &parsed.connection_grace_ms, count_from,
                        &parsed.load_report_ms, count_from, &parsed.events, count_from, &parsed.client_status,
                        count_from, &parsed.max_remembered_bytes, count_from, &parsed.max_pending_bytes,
                        count_from, &parsed.max_peer_remembered_bytes, count_from,
                        &parsed.max_peer_pending_bytes))
    SWIG_fail;
  parsed.authorise = asked != Py_None ? authorised_by_python : NULL;
  parsed.choose = chosen != Py_None ? chosen_by_python : NULL;
  parsed.on_message = shown != Py_None ? tell_python_message : NULL;
  parsed.log = logged != Py_None ? tell_python_line : NULL;
  parsed.user = $input;
  $1 = &parsed;
}

%typemap(in) const egress_listen_options *options (egress_listen_options parsed = EGRESS_LISTEN_OPTIONS_INIT) {
  if (!PyArg_ParseTuple($input, "zzzO&O&", &parsed.tls_cert, &parsed.tls_key, &parsed.tls_client_ca, count_from,
                        &parsed.insecure, count_from, &parsed.insecure_secrets))
    SWIG_fail;
  $1 = &parsed;
}

%typemap(in) const egress_resource_options *options (egress_resource_options parsed = EGRESS_RESOURCE_OPTIONS_INIT) {
  if (!PyArg_ParseTuple($input, "zz", &parsed.name, &parsed.file))
    SWIG_fail;
  $1 = &parsed;
}

%ignore egress_alloc;
%ignore egress_bootstrap_options;
%ignore egress_cache_options;
%ignore egress_compile_options;
%ignore egress_decision;
%ignore egress_event;
%ignore egress_fetch_free;
%ignore egress_fetch_options;
%ignore egress_flow;
%ignore egress_listen_options;
%ignore egress_load_cluster;
%ignore egress_load_drops;
%ignore egress_load_locality;
%ignore egress_load_metric;
%ignore egress_load_report;
%ignore egress_message;
%ignore egress_node;
%ignore egress_peer;
%ignore egress_policy_options;
%ignore egress_resource_from_value;
%ignore egress_resource_options;
%ignore egress_server_options;
%ignore egress_trial_options;
%ignore egress_text_data;
%ignore egress_text_size;
%ignore egress_text_free;
%ignore egress_server_new;
%ignore egress_server_close;
%ignore egress_server_free;
%ignore egress_server_event_fd;
%ignore egress_status;
%ignore egress_status_new;
%ignore egress_status_next_stream;
%ignore egress_status_next_type;
%ignore egress_status_next_name;
%ignore egress_status_free;
%ignore egress_stream_status;
%ignore egress_type_status;
%ignore egress_driver_free;
%ignore egress_driver_server;
%ignore egress_driver_user;

%include <egress/export.h>
%include <egress/error.h>
%include <egress/version.h>
%include <egress/text.h>
%include <egress/diag.h>
%include <egress/policy.h>
%include <egress/resource.h>
%include <egress/snapshot.h>
%include <egress/compile.h>
%include <egress/bootstrap.h>
%include <egress/event.h>
%include <egress/load.h>
%include <egress/log.h>
%include <egress/message.h>
%include <egress/peer.h>
%nothread;
%include <egress/cache.h>
%include <egress/fetch.h>
%include <egress/server.h>
%include <egress/status.h>
%include "driver.h"
