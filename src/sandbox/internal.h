/* SPDX-License-Identifier: MIT */
/* Private to src/sandbox. */
#ifndef IA_SANDBOX_INTERNAL_H
#define IA_SANDBOX_INTERNAL_H

/* Sanitizers keep memory beyond any limit, and look at the process from a clone of it when it ends. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IA_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IA_IS_SANITIZED 1
#endif
#endif
#ifndef IA_IS_SANITIZED
#define IA_IS_SANITIZED 0
#endif

#endif
