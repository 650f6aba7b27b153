// What the generated bindings need of <stdlib.h>; memory.c has the code.
#ifndef ATOLL_STDLIB_H
#define ATOLL_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
_Noreturn void abort(void);

#endif
