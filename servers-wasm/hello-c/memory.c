// Memory for a program without a C library: blocks are stacked from the end of the program's data
// on. Only the topmost block is really given back or changed in place; that is enough for a
// program that frees what it took in reverse order.

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 65536, ALIGNMENT = 16 };

// What stands before each block; as large as the alignment, so that blocks stay aligned.
typedef struct {
    _Alignas(ALIGNMENT) size_t size;
} header;

// The linker puts this after data and stack.
extern unsigned char __heap_base;

static uintptr_t top;

static size_t rounded(size_t size) { return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

static bool reaches_top(const void *block, size_t size) {
    return (uintptr_t)block + rounded(size) == top;
}

// Makes the memory end at or above `end`; false when the memory cannot grow.
static bool reserve(uintptr_t end) {
    uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE_SIZE;
    if (end <= have) {
        return true;
    }
    uintptr_t pages = (end - have + PAGE_SIZE - 1) / PAGE_SIZE;
    return __builtin_wasm_memory_grow(0, pages) != (size_t)-1;
}

void *malloc(size_t size) {
    if (top == 0) {
        top = rounded((uintptr_t)&__heap_base);
    }
    if (size > INT32_MAX) {
        return NULL;
    }
    uintptr_t block = top + sizeof(header);
    if (block + rounded(size) < block || !reserve(block + rounded(size))) {
        return NULL;
    }
    ((header *)top)->size = size;
    top = block + rounded(size);
    return (void *)block;
}

void free(void *block) {
    if (block == NULL) {
        return;
    }
    header *head = (header *)block - 1;
    if (reaches_top(block, head->size)) {
        top = (uintptr_t)head;
    }
}

void *realloc(void *block, size_t size) {
    if (block == NULL) {
        return malloc(size);
    }
    size_t old = ((header *)block - 1)->size;
    if (size <= old) {
        return block;
    }
    // The topmost block grows where it is: freed and taken again it has the same address.
    free(block);
    void *larger = malloc(size);
    if (larger != NULL && larger != block) {
        memcpy(larger, block, old);
    }
    return larger;
}

void abort(void) { __builtin_trap(); }

void *memcpy(void *to, const void *from, size_t count) {
    // With bulk memory operations this is one instruction, not a call to itself.
    return __builtin_memcpy(to, from, count);
}

void *memset(void *to, int byte, size_t count) { return __builtin_memset(to, byte, count); }

int memcmp(const void *a, const void *b, size_t count) {
    const unsigned char *left = a, *right = b;
    for (size_t i = 0; i < count; i++) {
        if (left[i] != right[i]) {
            return left[i] - right[i];
        }
    }
    return 0;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}
