// The limit that a spawner can reach: a bare loop of vfork, execve and waitpid, in one process or several at once.
// Usage: limit PROCESSES MILLISECONDS UID GID PROGRAM, UID and GID -1 to keep one's own. Writes {"count":N,"ns":N}.
//
// Like a provider's start it makes three pipes, starts a session, moves the pipes into place, drops to UID and GID
// and hands its own environment on. It reads no stream and does nothing for anybody else meanwhile.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct job {
  char *program;
  int uid, gid;
};

static long long now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

// Runs in the parent's memory. Raw calls for the ids: glibc's wrappers would change them in the parent's bookkeeping.
static _Noreturn void child(const struct job *job, int pipes[3][2]) {
  char *arguments[] = {job->program, NULL};
  setsid();
  for (int i = 0; i < 3; i++) {
    if (dup2(pipes[i][i == 0 ? 0 : 1], i) < 0) _exit(126);
  }
  if (job->uid >= 0) {
    if (syscall(SYS_setgroups, 0, NULL) != 0) _exit(125);
    if (syscall(SYS_setresgid, job->gid, job->gid, job->gid) != 0) _exit(125);
    if (syscall(SYS_setresuid, job->uid, job->uid, job->uid) != 0) _exit(125);
  }
  execve(job->program, arguments, environ);
  _exit(127);
}

static int start_and_wait(const struct job *job) {
  int pipes[3][2], status = -1;
  for (int i = 0; i < 3; i++) {
    if (pipe2(pipes[i], O_CLOEXEC) != 0) return 0;
  }
  pid_t pid = vfork();
  if (pid == 0) child(job, pipes);
  for (int i = 0; i < 3; i++) close(pipes[i][i == 0 ? 0 : 1]);
  int ended = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
  for (int i = 0; i < 3; i++) close(pipes[i][i == 0 ? 1 : 0]);
  return ended;
}

// How many in `milliseconds`; -1 when one failed.
static long loop(const struct job *job, long milliseconds) {
  long count = 0;
  for (long long end = now() + milliseconds * 1000000LL; now() < end; count++) {
    if (!start_and_wait(job)) return -1;
  }
  return count;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int processes = atoi(argv[1]), results[2];
  long milliseconds = atol(argv[2]), total = 0, count;
  struct job job = {argv[5], atoi(argv[3]), atoi(argv[4])};
  if (pipe2(results, O_CLOEXEC) != 0) return 1;
  long long start = now();
  for (int i = 0; i < processes; i++) {
    pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid > 0) continue;
    count = loop(&job, milliseconds);
    _exit(write(results[1], &count, sizeof count) != sizeof count);
  }
  close(results[1]);
  for (int i = 0; i < processes; i++) {
    if (read(results[0], &count, sizeof count) != sizeof count || count < 0) return 1;
    total += count;
  }
  printf("{\"count\":%ld,\"ns\":%lld}\n", total, now() - start);
  while (wait(NULL) > 0) continue;
  return 0;
}
