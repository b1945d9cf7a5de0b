/* SPDX-License-Identifier: MIT */
/* What QEMU's locks on a file show. */
#ifndef IA_MODEL_LOCK_H
#define IA_MODEL_LOCK_H

enum ia_image_lock {
    IA_LOCK_NONE,
    IA_LOCK_READ,   /* one has it open, as a base for example */
    IA_LOCK_WRITE,  /* a running QEMU may write to it */
    IA_LOCK_UNKNOWN /* the file system has no such locks */
};
#define IA_LOCK_WORDS                                                                                                  \
    {                                                                                                                  \
        "none", "read", "write", "unknown"                                                                             \
    }

static inline const char *ia_image_lock_word(enum ia_image_lock lock)
{
    static const char *const words[] = IA_LOCK_WORDS;
    return words[lock];
}

#endif
