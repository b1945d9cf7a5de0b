/* SPDX-License-Identifier: MIT */
/* A thread that waits for its one task. */
#include "scan/holders/aside.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct ia_aside {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct ia_holders *asked; /* NULL: nothing to do */
    struct ia_error *err;
    enum ia_status status;
    bool stopping;
};

static void *work(void *arg)
{
    struct ia_aside *aside = arg;
    pthread_mutex_lock(&aside->mutex);
    while (!aside->stopping) {
        if (aside->asked != NULL) {
            aside->status = ia_holders_find(aside->asked, aside->err);
            aside->asked = NULL;
            pthread_cond_broadcast(&aside->changed);
        }
        pthread_cond_wait(&aside->changed, &aside->mutex);
    }
    pthread_mutex_unlock(&aside->mutex);
    return NULL;
}

enum ia_status ia_aside_start(struct ia_aside **out, struct ia_error *err)
{
    struct ia_aside *aside = calloc(1, sizeof(*aside));
    if (aside == NULL)
        return ia_no_memory(err);
    pthread_mutex_init(&aside->mutex, NULL);
    pthread_cond_init(&aside->changed, NULL);
    int code = pthread_create(&aside->thread, NULL, work, aside);
    if (code == 0) {
        *out = aside;
        return IA_OK;
    }
    pthread_mutex_destroy(&aside->mutex);
    pthread_cond_destroy(&aside->changed);
    free(aside);
    return ia_fail_errno(err, code, "cannot start a thread");
}

enum ia_status ia_aside_find(struct ia_aside *aside, struct ia_holders *holders, struct ia_error *err)
{
    if (aside == NULL)
        return ia_holders_find(holders, err);
    pthread_mutex_lock(&aside->mutex);
    aside->asked = holders;
    aside->err = err;
    pthread_cond_broadcast(&aside->changed);
    while (aside->asked != NULL)
        pthread_cond_wait(&aside->changed, &aside->mutex);
    enum ia_status status = aside->status;
    pthread_mutex_unlock(&aside->mutex);
    return status;
}

void ia_aside_stop(struct ia_aside *aside)
{
    if (aside == NULL)
        return;
    pthread_mutex_lock(&aside->mutex);
    aside->stopping = true;
    pthread_cond_broadcast(&aside->changed);
    pthread_mutex_unlock(&aside->mutex);
    pthread_join(aside->thread, NULL);
    pthread_mutex_destroy(&aside->mutex);
    pthread_cond_destroy(&aside->changed);
    free(aside);
}
