/* SPDX-License-Identifier: MIT */
/* What the pass over processes has seen. */
#include <unistd.h>

#include "scan/holders/pass.h"

/* Init of the host, which this is where all processes are seen, may have rights that root has not here. It uses no
 * images: who does is another process. */
void ia_pass_deny(struct ia_pass *pass)
{
    if (pass->pid == 1 && geteuid() == 0)
        return;
    if (pass->denied == 0)
        pass->denied = pass->pid;
}

static void see(struct ia_pass *pass, size_t file, enum ia_hold how)
{
    for (size_t i = 0; i < pass->seen.len; i++) {
        struct ia_pass_seen *seen = &pass->seen.items[i];
        if (seen->file == file) {
            seen->how = how > seen->how ? how : seen->how;
            return;
        }
    }
    if (!ia_vec_push(&pass->seen, ((struct ia_pass_seen){file, how})))
        pass->holders->failed = true;
}

void ia_pass_see(struct ia_pass *pass, int64_t dev, int64_t inode, enum ia_hold how)
{
    size_t count;
    const struct ia_holder_key *key = ia_holders_match(pass->holders, dev, inode, &count);
    for (size_t i = 0; i < count; i++)
        see(pass, key[i].file, how);
}
