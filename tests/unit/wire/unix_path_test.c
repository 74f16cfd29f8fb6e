#include "wire/unix_path.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <egress/error.h>

static char folder[] = "/tmp/unix_path.XXXXXX";
static char path[64], lock[70];
static egress_diag *diag;

static void begin(void) {
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/s", folder);
  snprintf(lock, sizeof lock, "%s.lock", path);
  diag = egress_diag_new(NULL);
}

static void end(void) {
  unlink(path);
  unlink(lock);
  cr_assert_eq(rmdir(folder), 0, "something was left in %s", folder);
  egress_diag_free(diag);
}

TestSuite(unix_path, .init = begin, .fini = end);

static int is_there(const char *name) {
  return access(name, F_OK) == 0;
}

Test(unix_path, is_for_its_owner_only_and_goes_with_the_server) {
  umask(0);
  int fd;
  egress__unix_path held = {0};
  cr_assert_eq(egress__unix_path_listen(&fd, &held, path, diag), 0);
  struct stat info;
  cr_assert_eq(stat(path, &info), 0);
  cr_assert(S_ISSOCK(info.st_mode));
  cr_assert_eq(info.st_mode & 0777, 0600);
  cr_assert_eq(stat(lock, &info), 0);
  cr_assert_eq(info.st_mode & 0777, 0600);
  cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
  close(fd);
  egress__unix_path_release(&held);
  cr_assert(!is_there(path) && !is_there(lock));
  egress__unix_path_release(&held); /* does nothing */
}

Test(unix_path, only_one_server_has_it) {
  int fd, other_fd = -1;
  egress__unix_path held = {0}, other = {0};
  cr_assert_eq(egress__unix_path_listen(&fd, &held, path, diag), 0);
  cr_assert_eq(egress__unix_path_listen(&other_fd, &other, path, diag), EGRESS_EADDRINUSE);
  cr_assert(!other.is_held && other_fd == -1, "out is written on success only");
  cr_assert_not_null(strstr(egress_diag_text(diag), "another server listens"));
  cr_assert(is_there(path) && is_there(lock));
  close(fd);
  egress__unix_path_release(&held);
  cr_assert_eq(egress__unix_path_listen(&other_fd, &other, path, diag), 0, "the next may");
  close(other_fd);
  egress__unix_path_release(&other);
}

Test(unix_path, what_a_dead_server_left_is_replaced) {
  int fd;
  egress__unix_path held = {0};
  int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  cr_assert_eq(bind(dead, (struct sockaddr *)&name, sizeof name), 0);
  close(dead);
  close(open(lock, O_CREAT | O_RDWR, 0600));
  cr_assert_eq(egress__unix_path_listen(&fd, &held, path, diag), 0);
  close(fd);
  egress__unix_path_release(&held);
}

Test(unix_path, a_program_without_our_lock_is_noticed) {
  int fd;
  egress__unix_path held = {0};
  int foreign = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  cr_assert_eq(bind(foreign, (struct sockaddr *)&name, sizeof name), 0);
  cr_assert_eq(listen(foreign, 1), 0);
  cr_assert_eq(egress__unix_path_listen(&fd, &held, path, diag), EGRESS_EADDRINUSE);
  cr_assert(is_there(path) && !is_there(lock));
  close(foreign);
}

Test(unix_path, a_file_that_is_no_socket_is_left_alone) {
  int fd;
  egress__unix_path held = {0};
  close(open(path, O_CREAT | O_RDWR, 0600));
  cr_assert_eq(egress__unix_path_listen(&fd, &held, path, diag), EGRESS_EADDR);
  cr_assert_not_null(strstr(egress_diag_text(diag), "not a socket"));
  cr_assert(is_there(path) && !is_there(lock));
}

Test(unix_path, a_lock_that_is_a_link_is_not_followed) {
  int fd;
  egress__unix_path held = {0};
  cr_assert_eq(symlink("/dev/null", lock), 0);
  cr_assert_eq(egress__unix_path_listen(&fd, &held, path, diag), EGRESS_EADDR);
}

Test(unix_path, longest_path) {
  char text[200];
  memset(text, 'd', sizeof text);
  memcpy(text, "/nowhere/", 9);
  int fd;
  egress__unix_path held = {0};
  text[108] = '\0';
  cr_assert_eq(egress__unix_path_listen(&fd, &held, text, diag), EGRESS_EADDR);
  cr_assert_not_null(strstr(egress_diag_text(diag), "at most 107 bytes, this has 108"));
  egress_diag_clear(diag);
  text[107] = '\0';
  cr_assert_eq(egress__unix_path_listen(&fd, &held, text, diag), EGRESS_EADDR);
  cr_assert_not_null(strstr(egress_diag_text(diag), "No such file"), "not too long: there is no such folder");
}
