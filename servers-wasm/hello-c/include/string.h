// What the generated bindings and the compiler need of <string.h>; memory.c has the code.
#ifndef ATOLL_STRING_H
#define ATOLL_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *text);

#endif
