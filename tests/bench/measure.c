/* SPDX-License-Identifier: MIT */
/* Runs a program and says what it cost: measure RESULT [NAME=VALUE]... PROGRAM [ARGUMENT]...
 * RESULT gets one JSON object: seconds from start to end, processor seconds, peak memory in KiB, exit status. A program
 * of its own because the kernel counts what the parent had resident before exec as the child's peak, and this has
 * little. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: measure RESULT [NAME=VALUE]... PROGRAM [ARGUMENT]...\n", stderr);
        return 2;
    }
    FILE *result = fopen(argv[1], "we");
    if (result == NULL) {
        fprintf(stderr, "measure: cannot write '%s': %s\n", argv[1], strerror(errno));
        return 1;
    }
    /* Set here, so that a library to be preloaded is not preloaded into this program. */
    char **command = argv + 2;
    while (command[1] != NULL && strchr(command[0], '=') != NULL)
        putenv(*command++);
    pid_t pid;
    int status;
    struct rusage usage;
    double started = now();
    int code = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
    if (code != 0 || wait4(pid, &status, 0, &usage) != pid) {
        fprintf(stderr, "measure: cannot run '%s': %s\n", command[0], strerror(code != 0 ? code : errno));
        return 1;
    }
    double elapsed = now() - started;
    fprintf(result, "{\"seconds\": %.6f, \"user\": %.6f, \"system\": %.6f, \"peak_kib\": %ld, \"status\": %d}\n",
            elapsed, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss,
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return fclose(result) != 0;
}
