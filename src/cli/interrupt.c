/* SPDX-License-Identifier: MIT */
/* What is remembered of the signal is what SIGALRM does: so there is no variable that a signal handler writes. */
#include "cli/interrupt.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/common.h"

enum { GRACE = 500000 }; /* microseconds for a query to end by itself, and for what it leaves to be removed */

static const char line[] = "imgaudit: interrupted\n";

static void end_at_once(int number)
{
    static const char ended[] = "imgaudit: ended by a signal\n";
    ssize_t ignored =
        number == SIGINT ? write(STDERR_FILENO, line, strlen(line)) : write(STDERR_FILENO, ended, strlen(ended));
    (void)ignored;
    _exit(128 + number);
}

void ia_cli_end_at_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = end_at_once};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

/* Some of SQLite's functions do not ask whether they shall end: instr() of two long texts. */
static void give_up(int number)
{
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
    (void)ignored;
    _exit(128 + SIGINT);
}

bool ia_cli_is_interrupted(void *ctx)
{
    struct sigaction action;
    (void)ctx;
    return sigaction(SIGALRM, NULL, &action) == 0 && action.sa_handler == give_up;
}

static void begin_to_end(int number)
{
    if (ia_cli_is_interrupted(NULL)) /* again: somebody is in a hurry */
        give_up(number);
    struct sigaction action = {.sa_handler = give_up};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = GRACE}}, NULL);
}

void ia_cli_catch_interrupt(void)
{
    struct sigaction before;
    struct sigaction action = {.sa_handler = begin_to_end, .sa_flags = SA_RESTART};
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
}

int ia_cli_exit_interrupted(void)
{
    alarm(0);
    ia_cli_error("interrupted");
    return 128 + SIGINT;
}
