/* The file in which a history outlives the daemon (see egress_compile_history). */
#ifndef EGRESSD_STATE_H
#define EGRESSD_STATE_H

/* Reads the file at `path`. 0: *out is its text, owned by the caller, or NULL where there is no such file yet; else an
 * errno, EINVAL where it is no file that egressd wrote. */
int state_read(char **out, const char *path);

/* Puts `text` in the file's place, at once and for good: also after a power cut the file has the old text or the new
 * one. Returns 0 or an errno. */
int state_write(const char *path, const char *text);

#endif
